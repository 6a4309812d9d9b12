"""The dashboards, one module each; `ALL` in the order one looks at them."""

from typing import Final

from observe.boards import email, mesh, onsale, operator, services, stores

ALL: Final = (onsale.BOARD, services.BOARD, mesh.BOARD, stores.BOARD, email.BOARD, operator.BOARD)
