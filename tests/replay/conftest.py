import sys
from pathlib import Path

import pytest

pytest.register_assert_rewrite("harness")  # so that its assertions, too, say what was compared
sys.path.insert(0, str(Path(__file__).resolve().parent))
