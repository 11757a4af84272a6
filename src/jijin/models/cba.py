"""CBA: CNN + bidirectional LSTM + attention; one deep encoder, three decoders (detection, P, S).

    windows (batch, 3, 6000)
      stem      convolution with stride 4                        -> (batch, 16, 1500)
      encoder   convolution + max-pooling, three times           -> (batch, 64, 125)
                residual network-in-network blocks               -> (batch, 96, 125)
                bidirectional LSTM, then global attention        -> (batch, 96, 125)
      decoders  P and S: up-sampled by 3, 2, 2, each time with the encoder's features of that rate added
                -> (batch, 16, 1500), then four output samples a step -> logits (batch, 6000)
                detection: up-sampled by 3, then by straight lines: it has no edge sharper than a tenth of a second

Cost sits in the layers at a high rate, so nothing but the input and the output runs at 100 Hz: each 25 Hz step of a
decoder holds the four 100 Hz samples in four channels, which keeps onsets sharp where interpolation blurs them.
Convolutions are written as 2-D ones of height 1: ONNX Runtime has a blocked layout for those and runs them twice as
fast as 1-D ones when the channels are a multiple of 16.

Sources: CNN + BiLSTM + attention with three decoders, Mousavi et al. (2020), doi:10.1038/s41467-020-17591-w;
network in network, Lin et al. (2013), arXiv:1312.4400; sub-pixel output, Shi et al. (2016), arXiv:1609.05158.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, max_pool2d, pad

STRIDE = 4  # input samples a step of the stem
POOLS = (2, 2, 3)  # 1500 -> 750 -> 375 -> 125 steps


@dataclass(frozen=True, slots=True)
class CBAConfig:
    """Widths of the network; the defaults are the released model."""

    stem: int = 16
    channels: tuple[int, int, int] = (32, 48, 64)  # after each pooling
    deep: int = 96
    blocks: int = 3  # residual blocks at the lowest rate
    lstm: int = 48  # hidden units a direction
    decoder: tuple[int, int, int] = (32, 16, 16)  # channels at 375, 750 and 1500 steps
    dropout: float = 0.1

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> CBAConfig:
        """From the plain values of a checkpoint or a card, where a tuple may have become a list."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
        return cls(**values)


def conv(inputs: int, outputs: int, width: int, stride: int = 1, bias: bool = True) -> nn.Conv2d:
    """Convolution over the last axis of (batch, channel, 1, step) that keeps the length (over stride)."""
    return nn.Conv2d(inputs, outputs, (1, width), (1, stride), padding=(0, width // 2), bias=bias)


class ConvBlock(nn.Sequential):
    """Convolution, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int, width: int, stride: int = 1) -> None:
        super().__init__(conv(inputs, outputs, width, stride, bias=False), nn.BatchNorm2d(outputs), nn.ReLU())


class NiNBlock(nn.Module):
    """Residual block: 1x1, width-3, 1x1 convolutions added to their input. (batch, channel, 1, step) in and out."""

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.mix = ConvBlock(channels, channels, 1)
        self.look = ConvBlock(channels, channels, 3)
        self.back = nn.Sequential(conv(channels, channels, 1, bias=False), nn.BatchNorm2d(channels))
        self.drop = nn.Dropout2d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.drop(self.back(self.look(self.mix(x)))))


class Attention(nn.Module):
    """Global scaled dot-product attention over the steps, one head, residual. (batch, step, channel) in and out."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(channels, channels) for _ in range(3))
        self.scale = channels**-0.5

    def forward(self, x: Tensor) -> Tensor:
        scores = self.query(x) @ self.key(x).transpose(1, 2) * self.scale  # (batch, step, step)
        return x + scores.softmax(-1) @ self.value(x)


class Encoder(nn.Module):
    """Windows (batch, 3, 1, 6000) to features at every rate: [(stem, 1500), (c0, 750), (c1, 375), (deep, 125)]."""

    def __init__(self, c: CBAConfig) -> None:
        super().__init__()
        c0, c1, c2 = c.channels
        self.stem = ConvBlock(3, c.stem, 15, STRIDE)
        self.down = nn.ModuleList([ConvBlock(c.stem, c0, 7), ConvBlock(c0, c1, 5), ConvBlock(c1, c2, 5)])
        self.widen = ConvBlock(c2, c.deep, 1)
        self.blocks = nn.Sequential(*(NiNBlock(c.deep, c.dropout) for _ in range(c.blocks)))
        self.lstm = nn.LSTM(c.deep, c.lstm, batch_first=True, bidirectional=True)
        self.merge = nn.Linear(2 * c.lstm, c.deep)
        self.attention = Attention(c.deep)

    def forward(self, windows: Tensor) -> list[Tensor]:
        features = [self.stem(windows)]
        for block, pool in zip(self.down, POOLS, strict=True):
            features.append(max_pool2d(block(features[-1]), (1, pool)))
        x = self.blocks(self.widen(features.pop()))[:, :, 0].transpose(1, 2)  # (batch, step, deep)
        context, _ = self.lstm(x)  # (batch, step, 2 * lstm)
        x = self.attention(x + self.merge(context))
        return [*features, x.transpose(1, 2)[:, :, None]]


class PhaseDecoder(nn.Module):
    """Encoder features to the logits of one phase, (batch, 6000)."""

    def __init__(self, c: CBAConfig) -> None:
        super().__init__()
        d0, d1, d2 = c.decoder
        self.up = nn.ModuleList([ConvBlock(c.deep, d0, 3), ConvBlock(d0, d1, 5), ConvBlock(d1, d2, 5)])
        skips = zip((c.channels[1], c.channels[0], c.stem), c.decoder, strict=True)
        self.skip = nn.ModuleList([conv(i, o, 1) for i, o in skips])
        self.last = ConvBlock(d2, d2, 7)
        self.head = conv(d2, STRIDE, 3)

    def forward(self, features: list[Tensor]) -> Tensor:
        *skips, x = features
        for block, skip, pool in zip(self.up, self.skip, POOLS[::-1], strict=True):
            x = torch.relu(interpolate(block(x), scale_factor=(1, pool)) + skip(skips.pop()))
        return self.head(self.last(x))[:, :, 0].transpose(1, 2).flatten(1)  # four samples a step


class DetectionDecoder(nn.Module):
    """Encoder features to the logits of "an earthquake is on", (batch, 6000)."""

    lines: Tensor

    def __init__(self, c: CBAConfig) -> None:
        super().__init__()
        self.up = ConvBlock(c.deep, c.decoder[0], 3)
        self.skip = conv(c.channels[1], c.decoder[0], 1)
        self.head = nn.Sequential(ConvBlock(c.decoder[0], 16, 5), conv(16, 1, 5))
        self.register_buffer("lines", straight_lines(STRIDE * POOLS[0] * POOLS[1]), persistent=False)

    def forward(self, features: list[Tensor]) -> Tensor:
        *_, skip, x = features
        x = self.head(torch.relu(interpolate(self.up(x), scale_factor=(1, POOLS[2])) + self.skip(skip)))
        x = conv2d(pad(x, (1, 1, 0, 0), "replicate"), self.lines)
        return x[:, :, 0].transpose(1, 2).flatten(1)


def straight_lines(factor: int) -> Tensor:
    """(factor, 1, 1, 3): what a sample between steps takes of the step before, its own and the next one.

    A convolution of it is interpolate(mode="linear") but for the ends, which repeat; ONNX Runtime is twice as fast so.
    """
    place = (torch.arange(factor) + 0.5) / factor - 0.5  # from the middle of the step
    return torch.stack([(-place).clamp(min=0), 1 - place.abs(), place.clamp(min=0)], 1)[:, None, None]


class CBA(nn.Module):
    """windows : (batch, 3, 6000), normalised -> logits (batch, 3, 6000): detection, P, S."""

    def __init__(self, config: CBAConfig | None = None) -> None:
        super().__init__()
        self.config = config or CBAConfig()
        self.encoder = Encoder(self.config)
        self.detection = DetectionDecoder(self.config)
        self.p, self.s = PhaseDecoder(self.config), PhaseDecoder(self.config)
        self.apply(_initialise)

    def forward(self, windows: Tensor) -> Tensor:
        features = self.encoder(windows[:, :, None])
        return torch.stack([self.detection(features), self.p(features), self.s(features)], 1)

    def settings(self) -> dict[str, object]:
        """The configuration as plain values, for checkpoints and cards."""
        return asdict(self.config)


def _initialise(module: nn.Module) -> None:
    """Xavier-normal weights and zero biases for convolutions, linear layers and the LSTM."""
    if isinstance(module, nn.Conv2d | nn.Linear | nn.LSTM):
        for parameter in module.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_normal_(parameter)
            else:
                nn.init.zeros_(parameter)
