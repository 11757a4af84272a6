"""The study that jijin grew from, whole: decision tree, CNN, CBA and published pickers on the same windows."""
