"""Three networks, built from their papers: what the cost table must count to the digit."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn


def vgg16() -> nn.Module:
    """Simonyan & Zisserman 2014, Very Deep Convolutional Networks, table 1, configuration D."""
    layers: list[nn.Module] = []
    channels = 3
    for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(depth):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
        layers.append(nn.MaxPool2d(2, 2))
    hidden = [nn.Linear(512 * 7 * 7, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()]
    return nn.Sequential(*layers, nn.Flatten(), *hidden, nn.Linear(4096, 1000))


class Residual(nn.Module):
    """He et al. 2015, Deep Residual Learning, figure 2, with a 1×1 projection where the shape changes."""

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inner, outer, 3, stride, 1, bias=False), nn.BatchNorm2d(outer)
        self.conv2, self.bn2 = nn.Conv2d(outer, outer, 3, 1, 1, bias=False), nn.BatchNorm2d(outer)
        same = inner == outer and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(nn.Conv2d(inner, outer, 1, stride, bias=False), nn.BatchNorm2d(outer))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


def resnet18() -> nn.Module:
    """He et al. 2015, table 1, 18 layers."""
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]

    def blocks() -> Iterator[nn.Module]:
        inner = 64
        for outer, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            yield nn.Sequential(Residual(inner, outer, stride), Residual(outer, outer, 1))
            inner = outer

    return nn.Sequential(*stem, *blocks(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000))


class InvertedResidual(nn.Module):
    """Sandler et al. 2018, MobileNetV2, table 1: widen, filter channel by channel, project without an activation."""

    def __init__(self, inner: int, outer: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inner * expansion
        widen = unit(inner, wide, 1) if expansion != 1 else []
        project = [nn.Conv2d(wide, outer, 1, bias=False), nn.BatchNorm2d(outer)]
        self.body = nn.Sequential(*widen, *unit(wide, wide, 3, stride, groups=wide), *project)
        self.shortcut = stride == 1 and inner == outer

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.body(x) if self.shortcut else self.body(x)


def unit(inner: int, outer: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A convolution that keeps the size, a norm, ReLU6."""
    return [nn.Conv2d(inner, outer, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outer), nn.ReLU6()]


def mobilenet_v2() -> nn.Module:
    """Sandler et al. 2018, table 2, width 1."""
    layers, inner = unit(3, 32, 3, 2), 32
    for expansion, outer, count, stride in (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ):
        for i in range(count):
            layers.append(InvertedResidual(inner, outer, stride if i == 0 else 1, expansion))
            inner = outer
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(1280, 1000)]
    return nn.Sequential(*layers, *unit(320, 1280, 1), *head)
