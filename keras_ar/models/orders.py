"""Orders in which the values of a vector are visited."""

import numpy as np

__all__ = ["check_order", "check_orders", "draw_orders"]


def check_order(order, size: int) -> np.ndarray:
    """Return an order as int32 ``(size,)``: the index of the value at each place.

    Raises:
        ValueError: If it is no permutation of ``0..size-1``.
    """
    array = np.asarray(order)
    if array.shape != (size,) or not np.array_equal(np.sort(array), np.arange(size)):
        raise ValueError(
            f"An order must hold each index 0..{size - 1} once; got an array of shape "
            f"{array.shape}"
            + (f" with values {array.min()} to {array.max()}." if array.size else ".")
        )
    return array.astype("int32")


def check_orders(orders, size: int) -> np.ndarray:
    """Return several orders as int32 ``(number, size)``.

    Raises:
        ValueError: If there is none, or one of them is no permutation.
    """
    array = np.asarray(orders)
    if array.ndim == 1:
        array = array[None]
    if array.ndim != 2 or not len(array):
        raise ValueError(f"orders must have shape (number, {size}); got {array.shape}.")
    return np.stack([check_order(order, size) for order in array])


def draw_orders(number: int, size: int, seed: int) -> np.ndarray:
    """Draw random orders: int32 ``(number, size)``; a longer list begins with the shorter one.

    Raises:
        ValueError: If ``number`` is not positive.
    """
    if int(number) != number or number < 1:
        raise ValueError(f"The number of orders must be a positive integer; got {number}.")
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(size) for _ in range(int(number))]).astype("int32")
