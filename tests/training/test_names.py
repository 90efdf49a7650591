"""The names of a program depend on the program alone, and the session gives its own names as before."""

from __future__ import annotations

import keras
import tensorflow as tf

from rnnbench.training.names import Names


def named(names: Names) -> tuple[str, str, list[str]]:
    """Names of a layer, of a function and of the functions in it."""

    def double(x):
        return tf.while_loop(lambda x: x < 10.0, lambda x: (2 * x,), (x,))[0]

    with names.given():
        layer = keras.layers.Dense(1).name
        function = tf.function(double, autograph=False).get_concrete_function(tf.TensorSpec([]))
    inner = [one.attr["body"].func.name for one in function.graph.as_graph_def().node if one.op.endswith("While")]
    return layer, function.function_def.signature.name, inner


def test_a_program_has_the_same_names_whatever_was_built_before():
    assert named(Names("first")) == ("dense", "__inference_double_first_2", ["while_body_first_1"])
    assert named(Names("other")) == ("dense", "__inference_double_other_2", ["while_body_other_1"])


def test_a_program_that_is_built_again_has_names_of_its_own():
    assert named(Names("again"))[1:] != named(Names("again"))[1:]


def test_a_name_goes_on_from_where_its_program_was():
    names = Names("long")
    assert named(names)[0] == "dense"
    assert named(names)[0] == "dense_1"


def test_the_session_counts_on():
    before = keras.layers.Dense(1).name
    named(Names("inside"))
    after = keras.layers.Dense(1).name
    stem, _, number = before.rpartition("_") if before[-1].isdigit() else (before, "", "0")
    assert after == f"{stem}_{int(number) + 1}"
    function = tf.function(lambda x: x, autograph=False).get_concrete_function(tf.TensorSpec([]))
    assert "inside" not in function.function_def.signature.name
