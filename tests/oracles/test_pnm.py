"""Netpbm's maps against Pillow and NumPy."""

import io

import numpy as np
import pytest
from PIL import Image

from oracles.cv_pnm import HoldsMap, HoldsTuples, read_floats, read_map, written_map
from oracles.pnm import BITS, COLOURS, GRAY, PNMError, read_pam, read_pfm, read_pnm, write_pam, write_pfm, write_pnm


def drawn(kind, most, height=5, width=11):
    samples = np.random.default_rng([kind, most]).integers(0, most + 1, (height, width, 3 if kind == COLOURS else 1))
    return samples.astype(np.uint16 if most > 255 else np.uint8)


def opened(file):
    return np.asarray(Image.open(io.BytesIO(file)))


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize(("kind", "most"), [(GRAY, 255), (GRAY, 65535), (GRAY, 100), (COLOURS, 255), (COLOURS, 7), (GRAY, 1000)])
def test_pillow_reads_what_the_writer_writes(kind, most, plain):
    samples = drawn(kind, most)
    file = write_pnm(samples, kind, most=most, plain=plain, comment=b"# one\n# two\n", space=b" # three\n")
    np.testing.assert_array_equal(read_pnm(file).samples, samples)
    image = opened(file).reshape(samples.shape).astype(int)
    full = 65535 if most > 255 else 255
    assert (np.abs(image - samples * (full / most)) <= 0.5).all()
    found = read_map(np.frombuffer(file, np.uint8), flags=-1)["output"]
    assert found.accepts(image[..., ::-1].astype(samples.dtype).reshape(found.shape)).all()


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("width", [1, 7, 8, 9])
def test_pillow_sees_bits_black_and_white(width, plain):
    samples = drawn(BITS, 1, width=width)
    file = write_pnm(samples, BITS, plain=plain)
    np.testing.assert_array_equal(opened(file), samples[..., 0] == 0)
    np.testing.assert_array_equal(read_pnm(file).samples, samples)
    assert read_map(np.frombuffer(file, np.uint8), flags=0)["output"].accepts(255 * opened(file).astype(np.uint8)).all()


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "RGB"])
def test_the_reader_reads_what_pillow_writes(mode):
    rng = np.random.default_rng(3)
    if mode == "I;16":
        image = Image.fromarray(rng.integers(0, 65536, (4, 9)).astype(np.uint16))
    else:
        image = Image.fromarray(rng.integers(0, 256, (4, 9, 3)).astype(np.uint8)).convert(mode)
    file = io.BytesIO()
    image.save(file, "PPM")
    pnm = read_pnm(file.getvalue())
    wanted = ~np.asarray(image) if mode == "1" else np.asarray(image)
    np.testing.assert_array_equal(pnm.samples.reshape(wanted.shape), wanted)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("depth", [1, 3])
def test_floating_maps_are_read_as_they_are_written(order, depth):
    samples = np.random.default_rng(depth).standard_normal((3, 5, depth)).astype(np.float32)
    file = write_pfm(samples, order=order)
    np.testing.assert_array_equal(read_pfm(file).samples, samples)
    assert read_floats(np.frombuffer(file, np.uint8), flags=-1)["output"].accepts(samples[..., ::-1].squeeze()).all()
    if depth == 1:
        np.testing.assert_array_equal(opened(file), samples[..., 0])


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_arbitrary_maps_are_read_as_they_are_written(depth):
    for most in (255, 65535):
        samples = np.random.default_rng(depth).integers(0, most + 1, (3, 5, depth)).astype(np.uint16 if most > 255 else np.uint8)
        file = write_pam(samples, most=most, comment=b"# a comment\n")
        assert file.endswith(b"ENDHDR\n" + samples.astype(">u2" if most > 255 else "u1").tobytes())
        np.testing.assert_array_equal(read_pam(file).samples, samples)


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("kind", [BITS, GRAY, COLOURS])
def test_what_is_not_whole_is_refused(kind, plain):
    file = write_pnm(drawn(kind, 1 if kind == BITS else 255), kind, most=255, plain=plain, comment=b"# 7\n")
    for at in range(len(file) - (kind == BITS and plain)):  # bits need no white space behind them
        with pytest.raises(PNMError):
            read_pnm(file[:at])
    assert not read_map(np.frombuffer(file[:-2], np.uint8), flags=1)["read"].value


def test_a_file_that_does_not_hold_the_image_is_described():
    samples = drawn(COLOURS, 255)
    image, file = samples[..., ::-1], np.frombuffer(write_pnm(samples, COLOURS, most=255), np.uint8)
    assert HoldsMap(image, (), file, ".ppm").look(file) == ""
    assert "the pixel [0, 0, 0] differs" in HoldsMap(samples, (), file, ".pnm").look(file)
    assert "samples are bytes" in HoldsMap(image, (32, 0), file, ".ppm").look(file)
    assert "a map of the kind 3" in HoldsMap(image[..., 0], (), file, ".pgm").look(file)
    assert "bytes of samples" in HoldsMap(image, (), file, ".ppm").look(file[:-1])
    assert "largest sample is 254" in HoldsMap(image, (), file, ".ppm").look(
        np.frombuffer(write_pnm(samples // 2, COLOURS, most=254), np.uint8)
    )
    tuples = np.frombuffer(write_pam(samples, most=255), np.uint8)
    assert HoldsTuples(image, (128, 4), tuples).look(tuples) == ""
    assert "the pixel [0, 0, 0] differs" in HoldsTuples(samples, (128, 4), tuples).look(tuples)
    assert "tuples are called RGB" in HoldsTuples(image, (), tuples).look(tuples)
    unnamed = np.frombuffer(write_pam(samples, most=255).replace(b"TUPLTYPE RGB\n", b""), np.uint8)
    assert HoldsTuples(samples, (), unnamed).look(unnamed) == HoldsTuples(image, (), unnamed).look(unnamed) == ""
    assert not written_map(image, name="nowhere/image.ppm", parameters=())["written"].value
