"""Files that people drop by mistake or by malice, by the task whose project they are dropped into."""

from __future__ import annotations

from tests.corpus.dropped import Corpus
from tests.corpus.images import IMAGES
from tests.corpus.tables import TABLES, TABLES_OF_NUMBERS
from tests.corpus.text import TEXT

CORPORA: dict[str, Corpus] = {corpus.task: corpus for corpus in (TEXT, TABLES, TABLES_OF_NUMBERS, IMAGES)}
