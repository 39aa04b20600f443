"""The HTML page of a folder's results, in a headless browser where there is one."""

import hashlib
import io
import json
import shutil
import time

import numpy as np
import pytest

import uwm
from uwm.cli import main
from uwm.experiments.cells import Row
from uwm.experiments.store import Store

pytest.importorskip("bokeh")

from uwm.report.page import write_page
from uwm.report.page.along_axis import axis_plot
from uwm.report.page.answers import answers
from uwm.report.page.curves import MOST_POINTS, curves
from uwm.report.page.drawing import MOST_GROUPS
from uwm.report.page.learning import best, learning_plot
from uwm.report.page.look import contrast, on_dark
from uwm.report.page.sections import panels, sections
from uwm.report.page.tables import group_table, result_table

EVIL = "<script>evil()</script><img src=x onerror=evil()>.py:MyRule"
SPEC = {"uwm": "0.1.0", "task": "multiplexer", "address_bits": 3, "hidden": [64, 32],
        "output": "bernoulli", "units": "binary", "learning_rate": "auto",
        "episodes": 1000}  # fmt: skip


def row(kind, spec, result, status="done", **more):
    about = {"version": "0.1.0", "simd_level": "x86-64-v3", "host": "alpha", "threads": 1,
             "started": "2026-11-29T12:00:00+00:00", "seconds": 1.5}  # fmt: skip
    key = hashlib.sha256(json.dumps([kind, spec]).encode()).hexdigest()
    return Row(key, kind, spec, status, result, about=about, **more)


def learned(rule, seed, mean, *, windows=40, **settings):
    rewards = np.linspace(-0.2, 2 * mean + 0.2, windows) + 0.01 * seed
    result = {"mean_reward": mean + 0.01 * seed, "final_reward": float(rewards[-1]),
              "episodes": (np.arange(1, windows + 1) * 25).tolist(),
              "rewards": rewards.tolist()}  # fmt: skip
    return row("run", {**SPEC, **settings, "rule": rule, "seed": seed}, result)


def agent(rule, seed):
    returns = np.arange(50.0) + seed
    result = {"returns": returns.tolist(), "lengths": [10] * 50, "mean_return": returns.mean(),
              "steps": np.arange(10, 501, 10).tolist(), "last_100": returns.mean()}  # fmt: skip
    spec = {"environment": "CartPole-v1", "rule": rule, "episodes": 50, "seed": seed}
    return row("agent", spec, result)


def failed(rule, seed):
    return row("run", {**SPEC, "rule": rule, "seed": seed}, None, "failed",
               reason="ZeroDivisionError: division by zero",
               traceback='  File "mine.py", line 3\n    1 / 0  # <b>&'
               "</script>")  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("results")
    runs = [learned(rule, seed, mean) for rule, mean in
            (("ste", 0.9), ("weight_max", 0.25), ("reinforce", 0.1), (EVIL, 0.5))
            for seed in range(3)]  # fmt: skip
    diverged = row("run", {**SPEC, "rule": EVIL, "seed": 3}, None, "diverged", reason="not finite")
    lost = [failed(EVIL, 4), failed(EVIL, 5)]
    agents = [agent("ste", seed) for seed in range(2)]
    with Store(made) as store:
        store.add([*runs, diverged, *lost, *agents])
        keys = [each.key for each in [*runs, diverged, *lost]]
        store.note_study(f"uwm compare --rules '{EVIL}'", "Multiplexer, 3 address bits",
                         {"rules": [EVIL], "seeds": 3}, keys)  # fmt: skip
    return made


def test_the_command_writes_one_page(folder, tmp_path, capsys):
    out = tmp_path / "page.html"
    assert main(["report", str(folder), "--out", str(out)]) == 0
    assert capsys.readouterr().out == f"Written: {out}\n"
    text = out.read_text(encoding="utf-8")
    assert "Hidden layers of 64 and 32 units, 1,000 episodes." in text
    assert "2 of 15 results are missing" in text
    assert f"Written by uwm {uwm.__version__}" in text
    assert "2 failures: ZeroDivisionError: division by zero" in text
    # Nothing of the user's ends a script or begins a tag.
    assert "<script>evil" not in text and "<img src=x" not in text and "<b>&" not in text


def test_a_folder_without_results_is_refused(tmp_path, capsys):
    assert main(["report", str(tmp_path / "nowhere")]) == 2
    assert "there is no store of results" in capsys.readouterr().err
    assert not (tmp_path / "nowhere").exists()
    Store(tmp_path).close()
    with pytest.raises(ValueError, match="must hold results, got an empty store"):
        write_page(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_the_browser_is_opened_if_asked(tmp_path, monkeypatch, capsys):
    shown = []
    monkeypatch.setattr("uwm.report.page.write_page", lambda folder, out: out)
    monkeypatch.setattr("webbrowser.open", lambda address: shown.append(address))
    out = tmp_path / "page.html"
    assert main(["report", str(tmp_path), "--out", str(out), "--open"]) == 0
    assert shown == [out.as_uri()]
    assert "no browser" in capsys.readouterr().err


def test_without_bokeh_it_says_what_to_install(folder, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r'pip install "uwm\[report\]"'):
        write_page(folder)


def test_panels_hold_one_task_and_network_and_groups_one_setting():
    rows = [learned(rule, seed, 0.5, learning_rate=rate, hidden=hidden)
            for rule in ("ste", "reinforce") for seed in range(2)
            for rate in (0.1, 0.2) for hidden in ([8], [16])]  # fmt: skip
    made = panels(rows)
    assert [each.words for each in made] == [
        "One hidden layer of 8 units, 1,000 episodes",
        "One hidden layer of 16 units, 1,000 episodes",
    ]
    assert [group.label for group in made[0].groups] == [
        "ste, learning rate 0.1", "ste, learning rate 0.2",
        "reinforce, learning rate 0.1", "reinforce, learning rate 0.2",
    ]  # fmt: skip
    assert made[0].varied == ("learning_rate",)
    assert all(len(group.rows) == 2 for group in made[0].groups)


def test_results_that_no_command_names_are_shown_too(folder):
    with Store(folder) as store:
        made = sections(list(store.rows()), store.studies())
    assert [each.title for each in made] == [
        "Multiplexer, 3 address bits: learning", "Other results",
    ]  # fmt: skip
    assert [(each.there, each.wanted) for each in made] == [(13, 15), (2, 2)]


def test_sections_of_one_title_say_what_differs(tmp_path):
    rows = [learned("ste", seed, 0.5, learning_rate=0.1 * seed) for seed in range(1, 5)]
    with Store(tmp_path) as store:
        store.add(rows)
        for seed in (1, 2):
            asked = {"seeds": 1, "learning_rate": 0.1 * seed}
            store.note_study("compare", "Multiplexer", asked, [rows[seed - 1].key])
        for seed in (3, 4):
            store.note_study("compare", "Mine", {"seeds": 1}, [rows[seed - 1].key])
        made = sections(list(store.rows()), store.studies())
    assert [each.title for each in made] == [
        "Mine: learning (number 1)", "Mine: learning (number 2)",
        "Multiplexer: learning (learning rate 0.2)", "Multiplexer: learning (learning rate 0.1)",
    ]  # fmt: skip


def test_tables_hold_the_numbers():
    rows = [learned("ste", seed, 0.5) for seed in range(3)]
    (panel,) = panels([*rows, row("run", {**SPEC, "rule": "ste", "seed": 3}, None, "diverged")])
    columns = {each.head: each for each in group_table(panel)}
    assert columns["mean reward"].texts == ["0.510 ± 0.010"]
    assert columns["95% interval"].texts == ["0.485 to 0.535"]
    assert columns["seeds"].values == [3] and columns["diverged"].values == [1]
    every = {each.head: each for each in result_table(panel)}
    assert every["result"].values == ["done"] * 3 + ["diverged"]
    assert every["mean reward"].texts[-1] == "-"


def test_records_of_a_result_become_rows_and_noise_has_an_axis():
    records = [{"layer": layer, "relative_bias": 0.5 + layer} for layer in (0, 1)]
    spec = {**SPEC, "hidden": None, "sizes": [3, 8, 1], "rule": "ste"}
    made = panels([row("gradients", spec, {"measurements": records})])
    assert [panel.words for panel in made] == [
        "Layer 1, one hidden layer of 8 units", "Output layer, one hidden layer of 8 units",
    ]  # fmt: skip
    columns = {each.head: each for each in group_table(made[1])}
    assert columns["relative bias"].values == [1.5]
    assert axis_plot(made[0]) is None  # one point is no line

    noise = [row("noise", {**SPEC, "hidden": [n], "rule": "ste", "seed": s}, {"noise_to_signal": n})
             for n in (8, 16) for s in (0, 1)]  # fmt: skip
    (panel,) = panels(noise)
    drawn = axis_plot(panel)
    assert drawn.model.xaxis[0].axis_label == "units per layer"
    assert [each.label for each in drawn.switches] == ["ste"]


def test_settings_that_only_some_results_have_tell_nothing_apart():
    rows = [row("gradients", {**SPEC, "rule": "ste", "episode": n, "parameters_sha256": str(n),
                              **({"training": {"rule": "ste"}} if n else {})},
                {"noise_to_signal": 2.0}) for n in (0, 100)]  # fmt: skip
    (panel,) = panels(rows)
    assert panel.varied == ("episode",)
    assert [each.label for each in axis_plot(panel).switches] == ["ste"]


def test_rules_have_a_verdict():
    rows = [learned(rule, seed, mean) for rule, mean in (("ste", 0.5), ("reinforce", 0.1))
            for seed in range(6)]  # fmt: skip
    (panel,) = panels(rows)
    words = "\n".join(answers(panel))
    assert "1. ste" in words and "2. reinforce" in words
    (one,) = panels(rows[:6])
    assert answers(one) == []


def test_large_folders_are_thinned_and_say_so():
    rows = [learned(f"mine.py:Rule{rule}", seed, 0.5, windows=1000)
            for rule in range(20) for seed in range(12)]  # fmt: skip
    (panel,) = panels(rows)
    made = curves(panel.groups[0])
    assert len(made.x) <= MOST_POINTS and made.lines.shape == (12, len(made.x))
    whole = np.mean([each.result["rewards"] for each in panel.groups[0].rows], axis=0)
    np.testing.assert_allclose(made.mean, whole.reshape(len(made.x), -1).mean(axis=1))
    drawn = learning_plot(panel)
    assert len(drawn.switches) == MOST_GROUPS
    words = " ".join(drawn.notes)
    assert "mean of up to 8 recorded points" in words and "12 of 20 settings are drawn" in words
    assert "first 10 have lines of their own" in words


def test_the_best_settings_of_every_rule_are_drawn():
    rows = [
        learned(rule, 0, mean / 100, learning_rate=mean)
        for rule, first in (("reinforce", 0), ("ste", 50))
        for mean in range(first, first + 20)
    ]
    (panel,) = panels(rows)
    chosen = best(panel.groups, "mean_reward")
    assert len(chosen) == MOST_GROUPS
    assert [g.settings["learning_rate"] for g in chosen if g.rule == "reinforce"] == [19]


def test_colours_can_be_seen_on_dark_ground():
    from uwm.report.figures.colours import PALETTE

    for colour in PALETTE:
        made = on_dark(colour)
        assert contrast([int(made[k : k + 2], 16) / 255 for k in (1, 3, 5)]) > 4.4


# In a browser.

DEEP = """
const root = document.getElementById(arguments[0]).firstElementChild.shadowRoot;
"""
CELLS = (
    DEEP
    + """
const top = (row) => row.getBoundingClientRect().top;
return [...root.querySelectorAll(".slick-row")].sort((a, b) => top(a) - top(b)).map(
  (row) => [...row.querySelectorAll(".slick-cell")].map((cell) => cell.textContent.trim()));
"""
)
HEAD = (
    DEEP
    + """
return [...root.querySelectorAll(".slick-header-column")].find(
  (head) => head.textContent.trim() === arguments[1]);
"""
)


@pytest.fixture(scope="module")
def browser():
    webdriver = pytest.importorskip("selenium.webdriver")
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage",
                     "window-size=1200,1000"):  # fmt: skip
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    made = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        made.execute_cdp_cmd("Network.enable", {})
        made.execute_cdp_cmd(
            "Network.emulateNetworkConditions",
            {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0},
        )
        yield made
    finally:
        made.quit()


def wait_for(browser, condition):
    """Wait until a JavaScript expression is true."""
    end = time.monotonic() + 30
    while not browser.execute_script(f"return {condition}"):
        assert time.monotonic() < end, condition
        time.sleep(0.05)


def pixels(browser, element, colour):
    """Return how many pixels of an element have just this colour."""
    from PIL import Image

    image = np.asarray(Image.open(io.BytesIO(element.screenshot_as_png)).convert("RGB"))
    wanted = [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
    return int((image == wanted).all(axis=-1).sum())


def click(browser, element):
    """Click where a person would, away from the window's edge."""
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
    element.click()


@pytest.fixture(scope="module")
def written(folder):
    return write_page(folder).as_uri()


@pytest.fixture
def page(browser, written):
    browser.get(written)
    wait_for(browser, "document.querySelector('.table').dataset.drawn")
    wait_for(browser, "document.querySelector('.plot').dataset.drawn")
    yield browser
    faults = [line for line in browser.get_log("browser") if line["level"] != "INFO"]
    assert not faults, faults
    assert browser.execute_script("return typeof evil") == "undefined"


def test_curves_are_switched_and_the_table_sorts(page):
    from selenium.webdriver.common.by import By

    plotted = page.find_element(By.CSS_SELECTOR, ".plot")
    orange = "#E69F00"
    assert pixels(page, plotted, orange) > 200
    switches = page.find_element(By.CSS_SELECTOR, ".switches")
    boxes = switches.find_elements(By.CSS_SELECTOR, "[data-group]")
    labels = switches.find_elements(By.CSS_SELECTOR, "[data-group] ~ span")
    assert [each.text for each in labels] == ["ste", "weight_max", "reinforce", EVIL]
    click(page, boxes[0])
    wait_until_drawn(page)
    assert pixels(page, plotted, orange) == 0
    assert pixels(page, plotted, "#D55E00") > 100  # the others stay
    click(page, boxes[0])
    wait_until_drawn(page)
    assert pixels(page, plotted, orange) > 200
    with_seeds = ink(page, plotted)
    click(page, page.find_element(By.CSS_SELECTOR, '[data-seed="1"]'))
    wait_until_drawn(page)
    without_one = ink(page, plotted)
    click(page, page.find_element(By.CSS_SELECTOR, '[data-part="seed"]'))
    wait_until_drawn(page)
    assert ink(page, plotted) < without_one < with_seeds

    table = page.find_element(By.CSS_SELECTOR, ".table").get_attribute("id")
    rows = page.execute_script(CELLS, table)
    assert [each[0] for each in rows] == ["ste", "weight_max", "reinforce", EVIL]
    assert rows[0][2] == "0.910 ± 0.010"
    click(page, page.execute_script(HEAD, table, "mean reward"))
    rows = page.execute_script(CELLS, table)
    assert [each[0] for each in rows] == ["reinforce", "weight_max", EVIL, "ste"]
    click(page, page.execute_script(HEAD, table, "mean reward"))
    assert page.execute_script(CELLS, table)[0][0] == "ste"


def test_a_phone_in_the_dark_sees_all_of_it(page):
    media = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        page.refresh()
        wait_for(page, "document.querySelector('.plot').dataset.drawn")
        from selenium.webdriver.common.by import By

        plotted = page.find_element(By.CSS_SELECTOR, ".plot")
        wait_until_drawn(page)
        assert pixels(page, plotted, "#16181c") > 20_000  # the ground
        assert pixels(page, plotted, "#ffffff") == 0
        # Folded parts, too: nothing is wider than the window.
        page.execute_script("document.querySelectorAll('details').forEach((d) => d.open = true)")
        for place in page.find_elements(By.CSS_SELECTOR, ".plot, .table"):
            page.execute_script("arguments[0].scrollIntoView()", place)
            name = place.get_attribute("id")
            wait_for(page, f"document.getElementById('{name}').dataset.drawn")
        assert page.execute_script("return document.documentElement.scrollWidth") <= 390
    finally:
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def wait_until_drawn(browser):
    """Wait for two frames: Bokeh draws in the next one."""
    browser.execute_async_script(
        "const done = arguments[0];"
        "requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50)))"
    )


def ink(browser, element):
    """Return how many pixels of an element are not the ground's."""
    image = element.size["width"] * element.size["height"]
    return image - pixels(browser, element, "#ffffff")
