"""Names: what AWS accepts, what is told apart, what can be read back."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import layout

# botocore's models: TrainingJobName, ModelName, EndpointConfigName, EndpointName (63); execution names (80).
SAGEMAKER_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
projects = st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,6}){0,2}", fullmatch=True).filter(lambda name: len(name) > 1)
runs = st.text("0123456789abcdef", min_size=12, max_size=12)
LONGEST = "a2345678901234567890"


@given(projects, runs, st.integers(1, 9999))
def test_names_are_what_sagemaker_accepts(project: str, run: str, attempt: int) -> None:
    model = layout.deployment(project, run, "a" * 64, "b" * 64, "image")
    config = layout.endpoint_config(model, {"MemorySizeInMB": 1024})
    # The machine adds retry and redrive counts, and "-od", to a job's name.
    job = layout.training_job(project, run, attempt) + "-od-r10-d10"
    for name in (model, config, job, layout.endpoint(project)):
        assert SAGEMAKER_NAME.fullmatch(name), name
        assert "_" not in name
    assert layout.deployed_run(project, model) == layout.deployed_run(project, config) == run
    assert layout.trained_run(project, job) == run


def test_the_longest_project_fits_everywhere() -> None:
    model = layout.deployment(LONGEST, "0" * 12, "a" * 64, "b" * 64, "i")
    longest = [layout.endpoint_config(model, {}), layout.training_job(LONGEST, "0" * 12, 9999) + "-od-r10-d10"]
    assert max(map(len, longest)) <= 63
    assert len(layout.bucket(LONGEST, "0" * 12, "ap-southeast-2")) <= 63


@given(projects, projects, runs)
def test_names_of_another_project_are_not_taken_for_ours(one: str, two: str, run: str) -> None:
    model, job = layout.deployment(one, run, "a" * 64, "b" * 64, "i"), layout.training_job(one, run, 1)
    assert (layout.deployed_run(two, model) is not None) == (one == two)
    assert (layout.trained_run(two, job) is not None) == (one == two)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("shop-0123456789ab-1", True),
        ("shop-0123456789ab-12-od", True),
        ("my-shop-0123456789ab-1", False),
        ("shop-0123456789ab", False),
        ("shop-manual-1", False),
        ("shop-0123456789ab-1_x", False),
    ],
)
def test_training_jobs_are_known_by_their_whole_name(name: str, ours: bool) -> None:
    assert (layout.trained_run("shop", name) is not None) is ours


def test_a_model_is_named_after_what_it_is_made_of() -> None:
    archives = ["ab" * 32, "ab" * 31 + "cd"]
    made_of = [(archive, manifest, image) for archive in archives for manifest in "cd" for image in "xy"]
    names = {layout.deployment("p", "0" * 12, *one) for one in made_of}
    assert len(names) == 8
    assert all(name.startswith("p-000000000000-abababababab") for name in names), "by which a person knows the archive"
    configs = {layout.endpoint_config("m", {"MemorySizeInMB": size}) for size in (1024, 2048, 3072)}
    assert len(configs) == 3


def test_rights_on_any_run_s_names_end_where_another_project_s_begin() -> None:
    model = layout.deployment("shop", "0" * 12, "a" * 64, "b" * 64, "i")
    for name in (layout.training_job("shop", "0" * 12, 1), model, layout.endpoint_config(model, {"MaxConcurrency": 1})):
        assert fnmatchcase(name, layout.of_any_run("shop"))
        assert not fnmatchcase(name.replace("shop", "shop-eu"), layout.of_any_run("shop"))


def test_the_same_run_asked_for_twice_is_one_run() -> None:
    machines = ("ml.g4dn.xlarge", 1)
    one = layout.run_id("d", "c", "i", {"a": "1", "b": "2"}, ["x", "y"], machines=machines)
    assert one == layout.run_id("d", "c", "i", {"b": "2", "a": "1"}, ["y", "x"], machines=machines)
    others = [
        layout.run_id("e", "c", "i", {"a": "1", "b": "2"}, ["x", "y"], machines=machines),
        layout.run_id("d", "e", "i", {"a": "1", "b": "2"}, ["x", "y"], machines=machines),
        layout.run_id("d", "c", "e", {"a": "1", "b": "2"}, ["x", "y"], machines=machines),
        layout.run_id("d", "c", "i", {"a": "2", "b": "2"}, ["x", "y"], machines=machines),
        layout.run_id("d", "c", "i", {"a": "1", "b": "2"}, ["x"], machines=machines),
        layout.run_id("d", "c", "i", {"a": "1", "b": "2"}, ["x", "y"], machines=("ml.g4dn.2xlarge", 1)),
        layout.run_id("d", "c", "i", {"a": "1", "b": "2"}, ["x", "y"], machines=("ml.g4dn.xlarge", 2)),
    ]
    assert len({one, *others}) == 8


@pytest.mark.parametrize(
    ("key", "dropped"),
    [
        ("landing/a.csv", True),
        ("landing/deep/a.csv", True),
        ("landing/deep/", False),
        ("other/a.csv", False),
        ("landing", False),
    ],
)
def test_folder_markers_are_not_dropped_files(key: str, dropped: bool) -> None:
    assert layout.is_landing(key) is dropped


def test_uris() -> None:
    assert layout.split_uri(layout.s3_uri("bucket", "a/b c.csv")) == ("bucket", "a/b c.csv")
    for wrong in ("https://bucket/key", "s3://bucket", "bucket/key", ""):
        with pytest.raises(ValueError, match="not an s3://bucket/key URI"):
            layout.split_uri(wrong)


@given(runs)
def test_models_and_configs_of_earlier_releases_are_known_by_their_names(run: str) -> None:
    for name in (f"shop-{run}-01234567", f"shop-{run}-01234567-012345"):
        assert layout.deployed_run("shop", name) == run
    for name in (f"shop-{run}", f"shop-{run}-{run}-01234567", f"shop-{run}-0123456789"):
        assert layout.deployed_run("shop", name) is None


@given(st.text("0123456789abcdef", min_size=64, max_size=64))
def test_where_an_archive_lies_says_which_it_is(archive: str) -> None:
    key = layout.released(archive)
    assert layout.released_archive(key) == archive
    for other in (key + "x", "x" + key, key.replace("model.tar", "other.tar"), f"released/{archive[:-1]}/model.tar.gz"):
        assert layout.released_archive(other) is None
