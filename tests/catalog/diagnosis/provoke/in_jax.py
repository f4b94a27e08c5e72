"""Failures of JAX."""

from provoking import main, provokes


@provokes("jax.no-backend")
def _():
    import jax

    jax.devices("tpu")


@provokes("jax.removed-api")
def _():
    import jax.numpy

    return jax.numpy.DeviceArray


@provokes("jax.removed-api")
def _():
    import jax

    return jax.tree_map


@provokes("jax.removed-api")
def _():
    from jax.core import Shape  # noqa: F401


main()
