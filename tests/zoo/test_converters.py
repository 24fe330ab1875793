"""Checkpoints of other codes become folders whose outputs are those of the other codes.

The authors' checkpoints are written here in the format of the published one: TensorFlow 1 names,
averages beside the weights, and what an optimizer leaves. Their contents and the outputs to reach
come from tests/golden, made by openai/pixel-cnn and by pclucas14/pixel-cnn-pp themselves.
"""

import functools
import importlib
import pathlib
import pickle
import runpy
import sys

import numpy as np
import pytest
from absl import flags
from checks import parameters

import keras_ar
from keras_ar.zoo.readiness import find_problems

ROOT = pathlib.Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
AVERAGE = "/ExponentialMovingAverage"
pytestmark = pytest.mark.tensorflow


@pytest.fixture
def script(monkeypatch):
    """Run a script of scripts/ with arguments, in this process."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))

    def run(name: str, *arguments: str) -> None:
        # Every script defines its flags anew.
        values = flags.FlagValues()
        monkeypatch.setattr(flags, "FLAGS", values)
        for define in ("DEFINE_string", "DEFINE_integer", "DEFINE_bool"):
            original = functools.partial(getattr(flags, define), flag_values=values)
            monkeypatch.setattr(flags, define, original)
        path = ROOT / "scripts" / f"{name}.py"
        functions = runpy.run_path(str(path), run_name=name)
        values([name, *arguments])
        functions["main"]([name])
        monkeypatch.undo()
        monkeypatch.syspath_prepend(str(ROOT / "scripts"))

    return run


def _unpack(names, shapes, values) -> dict[str, np.ndarray]:
    shapes = [tuple(int(n) for n in text.split(",") if n) for text in shapes]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    parts = np.split(values, ends[:-1])
    return {str(n): p.reshape(s) for n, p, s in zip(names, parts, shapes, strict=True)}


def _authors(name: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    golden = dict(np.load(GOLDEN / f"{name}.npz"))
    variables = _unpack(*(golden[f"variable{part}"] for part in ("_names", "_shapes", "s")))
    return variables, golden


def _write_checkpoint(path: pathlib.Path, tensors: dict[str, np.ndarray]) -> str:
    """Save with TensorFlow 1's Saver, as the authors' code does."""
    import tensorflow as tf

    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        variables = [
            tf.compat.v1.get_variable(name, initializer=values, use_resource=False)
            for name, values in tensors.items()
        ]
        session.run(tf.compat.v1.global_variables_initializer())
        saver = tf.compat.v1.train.Saver(variables)
        return saver.save(session, str(path), write_meta_graph=False)


def _published(variables: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the published file holds: averages to be taken, weights to be left, and the rest."""
    return {
        **{name + AVERAGE: values for name, values in variables.items()},
        **{name: np.full_like(values, 0.5) for name, values in variables.items()},
        **{f"{name}/Adam": np.zeros_like(values) for name, values in variables.items()},
        "model/beta1_power": np.float32(0.5),
        "global_step": np.int64(3),
    }


def _outputs(model, golden, kind: str, num_mixtures: int) -> tuple[np.ndarray, np.ndarray]:
    """Our outputs for the first images, and theirs in our order."""
    module = importlib.import_module("pixelcnnpp_checkpoint")
    theirs = golden[f"{kind}outputs"]
    order = module.output_order(num_mixtures, model.image_shape[-1])
    labels = golden["label"].astype("int32")[: len(theirs)] if "label" in golden else None
    ours = parameters(model, golden[f"{kind}image"][: len(theirs)], labels)
    return ours, theirs[..., order]


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("pixelcnnpp_openai", {"num_blocks": 1, "num_classes": None}),
        pytest.param(
            "pixelcnnpp_classes_openai",
            {"num_blocks": 2, "num_classes": 10},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_checkpoint_of_the_authors_becomes_a_folder_with_their_outputs(
    script, tmp_path, name, sizes
):
    variables, golden = _authors(name)
    checkpoint = _write_checkpoint(tmp_path / "params_cifar.ckpt", _published(variables))
    output, side = tmp_path / "converted", golden["image"].shape[1]
    script(
        "convert_openai_pixelcnnpp",
        f"--checkpoint={checkpoint}",
        f"--output={output}",
        f"--side={side}",
    )
    model = keras_ar.zoo.load(output)
    config = model.get_config()
    assert {key: config[key] for key in sizes} == sizes
    assert (config["filters"], config["num_mixtures"]) == (16, 3)
    np.testing.assert_allclose(*_outputs(model, golden, "", 3), atol=1e-4)


@pytest.mark.slow
def test_a_converted_folder_is_fit_to_be_published(script, tmp_path):
    path = _save_state(tmp_path / "pcnn.npz", _port("rgb")[0])
    output = tmp_path / "converted"
    script("convert_pytorch_pixelcnnpp", f"--state_dict={path}", f"--output={output}", "--side=8")
    assert find_problems(output) == []


def test_class_conditional_weights_of_the_authors_give_their_outputs(script):
    variables, golden = _authors("pixelcnnpp_classes_openai")
    model = importlib.import_module("pixelcnnpp_folder").build_model(variables, (12, 12, 3))
    assert model.num_classes == 10
    np.testing.assert_allclose(*_outputs(model, golden, "", 3), atol=1e-4)


def test_without_averages_and_on_request_the_plain_weights_are_taken(script, tmp_path):
    variables, _ = _authors("pixelcnnpp_openai")
    read = runpy.run_path(str(ROOT / "scripts" / "convert_openai_pixelcnnpp.py"))["read_variables"]
    both = _write_checkpoint(tmp_path / "both", _published(variables))
    plain = _write_checkpoint(tmp_path / "plain", variables)
    name = "model/conv2d_3/V"
    assert np.array_equal(read(both)[name], variables[name])
    assert np.all(read(both, ema=False)[name] == 0.5)
    assert np.array_equal(read(plain)[name], variables[name])
    assert set(read(both)) == set(variables)


def _drop(variables):
    return {name: x for name, x in variables.items() if name != "model/conv2d_5/g"}


def _add_block(variables):
    return {**variables, "model/conv2d_39/V": np.zeros((2, 2, 32, 16), "float32")}


def _reshape(variables):
    return {**variables, "model/conv2d_5/b": np.zeros(3, "float32")}


def _other_network(variables):
    return {"model/dense/kernel": np.zeros((2, 2), "float32")}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_drop, "conv2d_5/g is missing"),
        (_add_block, "are not a PixelCNN"),
        (_reshape, "conv2d_5/b has shape"),
        (_other_network, "are not a PixelCNN"),
    ],
)
def test_variables_of_another_network_are_refused(script, spoil, message):
    folder = importlib.import_module("pixelcnnpp_folder")
    variables, _ = _authors("pixelcnnpp_openai")
    with pytest.raises(ValueError, match=message):
        folder.build_model(spoil(variables), (16, 16, 3))


def test_a_conversion_whose_outputs_differ_is_not_written(script, tmp_path, monkeypatch):
    folder = importlib.import_module("pixelcnnpp_folder")
    variables, _ = _authors("pixelcnnpp_openai")
    assign = folder.assign_weights

    def assign_and_spoil(model, *arguments):
        assign(model, *arguments)
        model.get_layer("horizontal_double_1").bias.assign_add(np.full(16, 0.1, "float32"))

    monkeypatch.setattr(folder, "assign_weights", assign_and_spoil)
    with pytest.raises(ArithmeticError, match="nothing was written"):
        folder.write_folder(variables, (16, 16, 3), tmp_path / "out", source="", file="")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["missing.ckpt", "text.ckpt"])
def test_what_is_no_checkpoint_is_one_sentence(script, tmp_path, name):
    (tmp_path / "text.ckpt").write_text("weights")
    with pytest.raises(FileNotFoundError, match="is no TensorFlow checkpoint"):
        script(
            "convert_openai_pixelcnnpp",
            f"--checkpoint={tmp_path / name}",
            f"--output={tmp_path / 'out'}",
        )
    assert not (tmp_path / "out").exists()


def _port(kind: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    golden = dict(np.load(GOLDEN / "pixelcnnpp_pytorch_port.npz"))
    state = _unpack(*(golden[f"{kind}_{part}"] for part in ("names", "shapes", "values")))
    return state, golden


def _save_state(path: pathlib.Path, state: dict[str, np.ndarray]) -> pathlib.Path:
    if path.suffix == ".npz":
        np.savez(path, **state)
    else:
        torch = pytest.importorskip("torch")
        torch.save({name: torch.from_numpy(x.copy()) for name, x in state.items()}, path)
    return path


@pytest.mark.parametrize("suffix", [".npz", ".pth"])
@pytest.mark.parametrize(("kind", "channels"), [("rgb", 3), ("grey", 1)])
def test_a_state_dict_of_the_port_gives_its_outputs(script, tmp_path, kind, channels, suffix):
    state, golden = _port(kind)
    path = _save_state(tmp_path / f"pcnn{suffix}", state)
    functions = runpy.run_path(str(ROOT / "scripts" / "convert_pytorch_pixelcnnpp.py"))
    variables = functions["to_authors_names"](functions["read_state"](path))
    model = importlib.import_module("pixelcnnpp_folder").build_model(variables, (8, 8, channels))
    np.testing.assert_allclose(*_outputs(model, golden, f"{kind}_", 2), atol=1e-5)


def _renamed(state):
    """As torch.nn.utils.parametrizations stores weight normalisation."""
    new = {"weight_g": "original0", "weight_v": "original1"}
    return {
        f"{name.rpartition('.')[0]}.parametrizations.weight.{new[end]}"
        if (end := name.rpartition(".")[2]) in new
        else name: x
        for name, x in state.items()
    }


def test_the_newer_names_of_weight_normalisation_mean_the_same(script):
    functions = runpy.run_path(str(ROOT / "scripts" / "convert_pytorch_pixelcnnpp.py"))
    state = {n.removeprefix("module."): x for n, x in _port("rgb")[0].items()}
    old, new = (functions["to_authors_names"](x) for x in (state, _renamed(state)))
    assert set(old) == set(new)
    assert all(np.array_equal(old[name], new[name]) for name in old)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda state: {**state, "extra.weight": np.zeros(2)}, "without a place: extra.weight"),
        (lambda state: {k: v for k, v in state.items() if "nin_out" not in k}, "no weight nin_out"),
        (lambda state: {}, "no weight u_init"),
    ],
)
def test_a_state_dict_of_another_network_is_refused(script, spoil, message):
    functions = runpy.run_path(str(ROOT / "scripts" / "convert_pytorch_pixelcnnpp.py"))
    state = {n.removeprefix("module."): x for n, x in _port("rgb")[0].items()}
    with pytest.raises(ValueError, match=message):
        functions["to_authors_names"](spoil(state))


class _Evil:
    def __reduce__(self):
        return (pathlib.Path.touch, (pathlib.Path("/tmp/evil_from_pickle"),))


@pytest.mark.parametrize("kind", ["plain pickle", "torch file"])
def test_a_state_dict_that_runs_something_is_refused_and_not_run(script, tmp_path, kind):
    torch = pytest.importorskip("torch")
    path = tmp_path / "evil.pth"
    if kind == "plain pickle":
        path.write_bytes(pickle.dumps({"u_init.conv.weight": _Evil()}))
    else:
        torch.save({"u_init.conv.weight": _Evil()}, path)
    with pytest.raises(ValueError, match="it is refused"):
        script("convert_pytorch_pixelcnnpp", f"--state_dict={path}", f"--output={tmp_path / 'o'}")
    assert not pathlib.Path("/tmp/evil_from_pickle").exists()


def test_a_missing_torch_is_named(script, tmp_path, monkeypatch):
    functions = runpy.run_path(str(ROOT / "scripts" / "convert_pytorch_pixelcnnpp.py"))
    (tmp_path / "pcnn.pth").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match="pip install torch"):
        functions["read_state"](tmp_path / "pcnn.pth")
    with pytest.raises(FileNotFoundError, match="There is no file"):
        functions["read_state"](tmp_path / "none.pth")


def test_objects_in_an_npz_file_are_refused(tmp_path):
    functions = runpy.run_path(str(ROOT / "scripts" / "convert_pytorch_pixelcnnpp.py"))
    np.savez(tmp_path / "evil.npz", x=np.array([_Evil()], dtype=object))
    with pytest.raises(ValueError, match="allow_pickle=False"):
        functions["read_state"](tmp_path / "evil.npz")
