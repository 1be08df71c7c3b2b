"""A basket of crates."""

from dataclasses import dataclass


@dataclass
class Item:
    name: str
    price: float


class Crate:
    def __init__(self) -> None:
        self.items: list[Item] = []

    def add(self, item: Item) -> None:
        self.items.append(item)

    def total(self) -> float:
        return sum(item.price for item in self.items)
