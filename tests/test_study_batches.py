import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs the extra 'train'")

from jijin.data.augment import Normalise
from jijin.data.traces import LabelledTrace, P, S, targets
from jijin.evaluate import window_at
from jijin.signal import normalise
from jijin.study.batches import Epochs, validation

RNG = np.random.default_rng(0)
TRACES = [
    LabelledTrace(RNG.standard_normal((3, 6000)).astype(np.float32), (500.0 + 100 * k,), (900.0 + 100 * k,))
    for k in range(10)
]


def first_p(batch):
    return [int(row.argmax()) for row in batch.target[:, P]]


def test_every_window_is_seen_once_an_epoch_in_an_order_that_changes():
    composer = Epochs(TRACES, steps=(Normalise(),))
    seen = np.concatenate([first_p(composer.batch(k, 4)) for k in range(10)]).reshape(4, 10)  # four epochs of 10
    assert (np.sort(seen, 1) == 500 + 100 * np.arange(10)).all()
    assert len({tuple(row) for row in seen.tolist()}) == 4


def test_a_batch_larger_than_the_data_runs_over_several_epochs():
    assert sorted(first_p(Epochs(TRACES, steps=(Normalise(),)).batch(0, 20))) == sorted(
        [500 + 100 * k for k in range(10)] * 2
    )


def test_a_batch_repeats_and_is_another_with_another_seed():
    a, b, c = (Epochs(TRACES, seed=s).batch(3, 8) for s in (1, 1, 2))
    assert np.array_equal(a.data, b.data) and np.array_equal(a.weight, b.weight) and not np.array_equal(a.data, c.data)


def test_threads_change_nothing():
    a, b = (Epochs(TRACES, threads=n).batch(3, 20) for n in (1, 3))
    assert np.array_equal(a.data, b.data) and np.array_equal(a.target, b.target) and len(a) == 20


def test_a_batch_far_away_is_made_at_once():
    assert len(Epochs(TRACES).batch(2**32, 8).data) == 8


def test_without_augmentation_a_window_is_the_normalised_record_with_its_targets():
    batch = Epochs(TRACES[:1], steps=(Normalise(),)).batch(0, 1)
    assert np.allclose(batch.data[0], normalise(TRACES[0].data[None])[0])
    assert np.array_equal(batch.target[0], targets(TRACES[0], 0, 6000)[0])


def test_what_is_not_there_is_not_asked_for():
    data = TRACES[0].data.copy()
    data[:, 3000:] = 0  # a record of 30 s
    valid = validation([LabelledTrace(data, (500.0,), (900.0,))], [window_at(TRACES[0], 0)])
    assert not valid.weight[0, :, 3000:].any() and valid.weight[0, :, :3000].all() and not valid.data[0, :, 3000:].any()


def test_validation_windows_keep_their_labels():
    valid = validation(TRACES[:3], [window_at(t, 0) for t in TRACES[:3]])
    assert valid.target[:, S].argmax(1).tolist() == [900, 1000, 1100]
    assert [w.onsets[S] for w in valid.windows] == [(900.0,), (1000.0,), (1100.0,)]
