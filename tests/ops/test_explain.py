"""The page about a run says what was decided, by which numbers, on which data."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from domain.state import Run
from ops.explain import page
from tests.ops.conftest import make_number_receipt, make_receipt


def plain(run: Run, receipt: dict[str, Any] | None) -> str:
    return "\n".join(str(line) for line in page(run, receipt))


def test_says_the_verdict_and_every_rule_with_its_numbers(run: Run, receipt: dict[str, Any]) -> None:
    text = plain(run, receipt)
    assert "Run 0123456789ab: promoted" in text
    assert receipt["sentence"] in text
    for rule in receipt["gate"]["rules"]:
        assert f"passed  {rule['sentence']}" in text
    assert "accuracy 0.8000, at least 0.7500 needed" in text


def test_marks_the_rules_that_failed(run: Run) -> None:
    receipt = make_receipt(wrong=40, champion_wrong=10)
    text = plain(replace(run, verdict="reject", sentence=receipt["sentence"]), receipt)
    failed = [rule["sentence"] for rule in receipt["gate"]["rules"] if not rule["passed"]]
    assert failed
    assert all(f"FAILED  {sentence}" in text for sentence in failed)
    assert "rejected" in text.splitlines()[0]


def test_names_each_file_with_its_rows_and_where_its_rejected_rows_are(run: Run, receipt: dict[str, Any]) -> None:
    text = plain(run, receipt)
    source = receipt["data"]["sources"][1]["source"]
    assert "landing/reviews-1.csv  1,000 rows\n" in text
    # Brackets in a file's name are the file's, not markup.
    assert f"landing/[new] reviews.jsonl  100 rows, 7 quarantined: quarantine/{source}.jsonl" in text


def test_says_what_became_of_the_labels_and_by_which_rules_rows_were_rejected(
    run: Run, receipt: dict[str, Any]
) -> None:
    receipt["data"]["rejected_by_rule"] = {"missing": 5, "too-long": 2}
    text = plain(replace(run, labels="Labels new: 'posi' (7 rows)."), receipt)
    assert "Labels new: 'posi' (7 rows).\n" in text
    assert "quarantined rows by rule: 5 missing, 2 too-long" in text


def test_names_the_labels_set_aside_as_typed(run: Run, receipt: dict[str, Any]) -> None:
    receipt["data"]["set_aside"] = ["neu[t]ral", "odd"]
    assert "set aside, with too few rows: neu[t]ral, odd\n" in plain(run, receipt)
    receipt["data"]["set_aside"] = []
    assert "set aside" not in plain(run, receipt)


def test_says_what_training_took_and_cost(run: Run, receipt: dict[str, Any]) -> None:
    text = plain(run, receipt)
    assert "ml.g4dn.xlarge Spot: trained 100 s, billed 30 s, 70% saved, about $0.0061" in text
    assert "from s3://b/base/minilm/" in text
    assert "epochs 2, learning rate 0.0001" in text


def test_without_a_price_no_cost_is_invented(run: Run, receipt: dict[str, Any]) -> None:
    receipt["training"]["estimated_usd"] = None
    assert "$" not in plain(run, receipt)


def test_a_first_model_has_nothing_to_be_compared_with(run: Run) -> None:
    assert "there was no live model to compare with" in plain(run, make_receipt(champion_wrong=None))


def test_a_run_that_was_not_judged_still_has_a_page(run: Run) -> None:
    text = plain(replace(run, verdict="too-few-rows", sentence="Not trained: 3 train rows of 100 needed."), None)
    assert "too few rows" in text
    assert "Not trained: 3 train rows of 100 needed." in text
    assert "was not judged" in text


def test_reads_a_receipt_as_it_comes_out_of_s3(run: Run, receipt: dict[str, Any]) -> None:
    assert plain(run, json.loads(json.dumps(receipt))) == plain(run, receipt)


def test_numbers_are_told_in_their_own_unit(run: Run) -> None:
    receipt = make_number_receipt()
    text = plain(replace(run, sentence=receipt["sentence"]), receipt)
    assert "Promoted: MAE 12346 against the champion's 24691, RMSE 12346 against 24691, R² 1.0000 against" in text
    assert "new with this run: MAE 12346, RMSE 12346, R² 1.0000 (reported, not judged)" in text
    assert "95% intervals of the champion: MAE 24691 to 24691, RMSE 24691 to 24691, R² 0.99" in text
    assert "e+" not in text
    small = plain(run, make_number_receipt(0.00123456))
    assert "new with this run: MAE 0.0012346, RMSE 0.0012346, R² 1.0000 (reported" in small
    assert "95% intervals of the candidate: MAE 0.0012346 to 0.0012346" in small


def test_says_what_each_column_is_worth(run: Run, receipt: dict[str, Any]) -> None:
    text = plain(run, make_number_receipt())
    assert "MAE on validation rows rises by so much where a column's values are shuffled:\n" in text
    assert "  24691  income\n  0  noise\n" in text
    worth = [{"column": f"column {n}", "measure": "accuracy", "loss": 0.5 - n / 100} for n in range(40)]
    receipt["training"]["importances"] = worth
    text = plain(run, receipt)
    assert "accuracy on validation rows falls by so much" in text
    assert "  0.5000  column 0\n" in text
    assert "column 30" not in text
    assert "and 10 more, in the receipt" in text


def test_says_how_far_off_answers_are(run: Run, receipt: dict[str, Any]) -> None:
    text = plain(run, make_number_receipt())
    assert "candidate: half of the answers are off by at most 12346, 95% by at most 12346" in text
    assert "on average they are 12346 too high" in text
    assert "champion: half of the answers are off by at most 24691" in text
    assert not {"Errors", "Columns"} & {*plain(run, receipt).splitlines()}


def test_where_there_are_no_labels_none_are_told(run: Run) -> None:
    text = plain(run, make_number_receipt())
    assert "Labels" not in text.splitlines()
    assert "; labels" not in text


def test_labels_are_told_as_ever(run: Run, receipt: dict[str, Any]) -> None:
    text = plain(run, receipt)
    assert "new with this run: accuracy 0.8000, macro-F1 0.8889 (reported, not judged)" in text
    assert "95% intervals of the candidate: accuracy 0.7100 to 0.8702, macro-F1 0.7097 to 0.8701" in text
    assert "; labels bad, good\n" in text


def test_columns_of_a_table_are_told_by_their_types(run: Run, receipt: dict[str, Any]) -> None:
    assert "numbers:" not in plain(run, receipt)
    assert "of rows with the same text, the later file's counts" in plain(run, receipt)
    receipt["data"]["schema"] = {"age": "number", "job": "category", "pa[y]": "number"}
    text = plain(run, receipt)
    assert "  numbers: age, pa[y]\n  categories: job\n" in text
    assert "of rows with the same features, the later file's counts" in text
    receipt["data"]["schema"] = {f"column {place}": "number" for place in range(256)}
    text = plain(run, receipt)
    assert "column 29 and 226 more\n" in text
    assert "categories:" not in text
