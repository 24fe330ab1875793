"""Every layer is built with its model."""

from variants import every_variant


@every_variant
def test_no_layer_waits_to_be_built(build):
    # Keras' JAX trainer would run the model on data it cannot unpack to build the rest.
    unbuilt = [layer.name for layer in build()._flatten_layers() if not layer.built]
    assert not unbuilt
