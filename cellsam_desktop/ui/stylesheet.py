"""The one style sheet: what Fusion and the palette cannot say. Kept short on purpose."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cellsam_desktop.ui.theme import Theme

_SHEET = Template(
    """
QToolTip { color: $text; background: $raised; border: 1px solid $border; padding: 4px 6px; }
QMainWindow::separator { background: $border; width: 1px; height: 1px; }
QMainWindow::separator:hover { background: $accent; }
QDockWidget { color: $muted; font-weight: 600; }
QDockWidget::title { padding: 6px 8px; background: $window; }
QMenuBar { background: $window; border-bottom: 1px solid $border; padding: 1px 4px; }
QMenuBar::item { padding: 4px 8px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected { background: $raised; }
QMenu { background: $surface; border: 1px solid $border; padding: 4px; }
QMenu::item { padding: 5px 24px 5px 12px; border-radius: 4px; }
QMenu::icon { padding-left: 8px; }
QMenu::item:selected { background: $selection; color: $text; }
QMenu::item:disabled { color: $muted; }
QMenu::separator { height: 1px; background: $border; margin: 4px 8px; }
QStatusBar { background: $window; border-top: 1px solid $border; color: $muted; }
QStatusBar::item { border: none; }
QToolBar { background: $window; border: none; border-bottom: 1px solid $border; spacing: 2px; padding: 3px 6px; }
QToolBar::separator { background: $border; width: 1px; margin: 5px 6px; }

QToolButton { border: 1px solid transparent; border-radius: 5px; padding: 4px; background: transparent; }
QToolButton:hover { background: $raised; }
QToolButton:pressed { background: $border; }
QToolButton:checked { background: $selection; border-color: $accent; }
QToolButton:focus { border-color: $accent; }

QPushButton { border: 1px solid $border; border-radius: 5px; padding: 5px 14px; background: $raised; min-height: 16px; }
QPushButton:hover { border-color: $muted; }
QPushButton:pressed { background: $border; }
QPushButton:focus { border-color: $accent; }
QPushButton:disabled { color: $muted; background: transparent; }
QPushButton[main="true"] { background: $accent; border-color: $accent; color: $on_accent; font-weight: 600; }
QPushButton[main="true"]:disabled { background: $border; border-color: $border; color: $muted; }

QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox {
    border: 1px solid $border; border-radius: 5px; padding: 3px 7px; background: $surface;
    min-height: 18px; selection-background-color: $selection; selection-color: $text; }
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus { border-color: $accent; }
QLineEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled { color: $muted; background: $window; }
QComboBox::drop-down { border: none; width: 18px; }
QComboBox QAbstractItemView { background: $surface; border: 1px solid $border; padding: 3px; outline: none; }

QAbstractItemView { background: $surface; border: none; outline: none; alternate-background-color: $window; }
QTableView, QTreeView, QListView { selection-background-color: $selection; selection-color: $text; }
QTableView { gridline-color: $raised; }
QTableView::item:focus { border: none; }
QHeaderView { background: $window; border: none; }
QHeaderView::section { background: $window; color: $muted; border: none; border-bottom: 1px solid $border; padding: 4px 6px; }
QTableCornerButton::section { background: $window; border: none; border-bottom: 1px solid $border; }

QTabWidget::pane { border: none; border-top: 1px solid $border; }
QTabBar { qproperty-drawBase: 0; }
QTabBar::tab { color: $muted; padding: 6px 12px; border: none; border-bottom: 2px solid transparent; background: transparent; }
QTabBar::tab:hover { color: $text; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }

QScrollArea { border: none; background: transparent; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: $border; border-radius: 3px; margin: 2px; min-width: 24px; min-height: 24px; }
QScrollBar::handle:hover { background: $muted; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: $border; }
QSlider::sub-page:horizontal { border-radius: 2px; background: $accent; }
QSlider::handle:horizontal { width: 12px; height: 12px; margin: -4px 0; border-radius: 6px; background: $text; }
QSlider::handle:horizontal:hover { background: $accent; }
QSlider::groove:vertical { width: 4px; border-radius: 2px; background: $border; }
QSlider::handle:vertical { width: 12px; height: 12px; margin: 0 -4px; border-radius: 6px; background: $text; }

QProgressBar { border: none; border-radius: 3px; background: $raised; height: 6px; text-align: center; }
QProgressBar::chunk { border-radius: 3px; background: $accent; }
QGroupBox { border: none; margin-top: 18px; font-weight: 600; }
QGroupBox::title { subcontrol-origin: margin; left: 0; padding: 0; }

QLabel[role="muted"] { color: $muted; }
QLabel[role="title"] { font-size: 17pt; font-weight: 600; }
QLabel[role="heading"] { color: $muted; font-weight: 600; }
QLabel[role="warning"] { color: $warning; }
QLabel[role="error"] { color: $error; }
QLabel[role="chip"] { color: $muted; border: 1px solid $border; border-radius: 9px; padding: 1px 9px; }
QLabel[role="key"] { border: 1px solid $border; border-bottom-width: 2px; border-radius: 4px; padding: 1px 6px;
    background: $raised; }
"""
)


def stylesheet(theme: Theme) -> str:
    """The application's style sheet in the colours of a theme."""
    return _SHEET.substitute(vars(theme))
