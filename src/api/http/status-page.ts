/** The plain status page: boards, runs and totals, fetched with the token of the address (`/#token=...`). */
export const STATUS_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>emufarm</title>
<style>
  :root { color-scheme: light dark; }
  body { font: 15px/1.45 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
  td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
  .passed { color: #2a9d4a; } .failed { color: #d1403f; } .muted { color: #888; }
  code { font-size: .9em; }
</style>
<h1>emufarm</h1>
<p id="message" class="muted" role="status">Loading ...</p>
<h2>Runs</h2>
<table><thead><tr><th>Run<th>Name<th>Outcome<th class="number">Jobs<th class="number">Waiting<th class="number">Running
<th class="number">Passed<th class="number">Unexpected<th class="number">Flaky<th class="number">Skipped<th>Reports</tr></thead>
<tbody id="runs"></tbody></table>
<section id="jobsOfRun" hidden>
<h2>Jobs of <span id="runShown"></span> <a href="#">close</a></h2>
<table><thead><tr><th>Job<th>Name<th>Board<th>State<th>Why<th>Logs</tr></thead><tbody id="jobs"></tbody></table>
</section>
<h2>Boards</h2>
<table><thead><tr><th>Board<th>Name<th>Emulator<th>Here</tr></thead><tbody id="boards"></tbody></table>
<p><a href="/reference">Reference of the API</a> · <a href="/openapi.json">OpenAPI</a> ·
<a href="/schemas/scenario.json">Scenario</a>, <a href="/schemas/run.json">run</a> and
<a href="/schemas/board.json">board</a> schemas · <a href="/metrics">Metrics</a></p>
<script>
  const fromAddress = new URLSearchParams(location.hash.slice(1)).get("token");
  if (fromAddress) {
    sessionStorage.setItem("token", fromAddress);
    history.replaceState(null, "", location.pathname);
  }
  const token = sessionStorage.getItem("token");
  const message = document.getElementById("message");

  async function get(path) {
    const answer = await fetch(path, { headers: { authorization: "Bearer " + token } });
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({ message: "status " + answer.status }));
    throw new Error(problem.message);
  }

  function row(cells) {
    const tr = document.createElement("tr");
    for (const cell of cells) {
      const td = document.createElement("td");
      if (typeof cell === "number") td.className = "number";
      if (cell instanceof Node) td.append(cell);
      else td.textContent = cell ?? "";
      tr.append(td);
    }
    return tr;
  }

  function labelled(text, className) {
    const span = document.createElement("span");
    span.textContent = text;
    span.className = className;
    return span;
  }

  function link(href, text) {
    const a = document.createElement("a");
    a.href = href;
    a.textContent = text;
    return a;
  }

  /** What needs the token is fetched by the page: a link carries none. */
  function download(path, text, suffix) {
    const a = link(location.hash || "#", text);
    a.onclick = async (event) => {
      event.preventDefault();
      const blob = await (await get(path)).blob();
      const file = document.createElement("a");
      file.href = URL.createObjectURL(blob);
      file.download = path.split("/").slice(3).join(".") + suffix;
      file.click();
      URL.revokeObjectURL(file.href);
    };
    return a;
  }

  function runRow(run) {
    const { totals } = run;
    const reports = document.createElement("span");
    reports.append(download("/v1/runs/" + run.id + "/junit", "JUnit", ".xml"), " ", download("/v1/runs/" + run.id + "/report", "JSON", ".json"));
    return row([link("#" + run.id, run.id), run.name, labelled(run.isCancelled ? run.outcome + ", cancelled" : run.outcome, run.outcome), totals.total,
      totals.waiting, totals.running, totals.verdicts.passed ?? 0, totals.unexpected, totals.flaky, totals.skipped, reports]);
  }

  function jobRow(job) {
    const { verdict } = job;
    const logs = document.createElement("span");
    for (const { uart } of verdict?.result?.logs ?? []) {
      logs.append(download("/v1/jobs/" + job.id + "/logs/" + uart, uart, ".log"), " ");
    }
    const state = verdict
      ? labelled(verdict.isSkipped ? "skipped" : verdict.verdict + (verdict.isExpected && verdict.verdict !== "passed" ? " as expected" : ""),
          verdict.isSkipped ? "muted" : verdict.isExpected ? "passed" : "failed")
      : job.state;
    return row([job.id, job.name, job.spec.board, state, verdict?.error?.message ?? job.waiting?.reason, logs]);
  }

  const MOST_JOBS = 1000;

  async function refreshJobs() {
    const runId = location.hash.slice(1);
    document.getElementById("jobsOfRun").hidden = runId === "";
    if (runId === "") return;
    const jobs = await (await get("/v1/runs/" + encodeURIComponent(runId) + "/jobs?limit=" + MOST_JOBS)).json();
    if (location.hash.slice(1) !== runId) return;
    document.getElementById("runShown").textContent = runId + (jobs.length === MOST_JOBS ? ", the first " + MOST_JOBS : "");
    document.getElementById("jobs").replaceChildren(...jobs.map(jobRow));
  }

  function boardRow(board) {
    const emulator = board.emulator ? board.emulator.binary + " " + board.emulator.version : board.spec.emulator.binary;
    const here = board.isAvailable ? labelled("yes", "passed") : labelled(board.error.message, "muted");
    return row([board.name, board.spec.title, emulator, here]);
  }

  async function refresh() {
    try {
      const runs = await (await get("/v1/runs?limit=50")).json();
      document.getElementById("runs").replaceChildren(...runs.map(runRow));
      await refreshJobs();
      message.textContent = runs.length === 0 ? "No runs yet: emufarm test examples/" : "";
    } catch (error) {
      message.textContent = error.message;
    }
  }

  async function refreshBoards() {
    const boards = await (await get("/v1/boards")).json();
    document.getElementById("boards").replaceChildren(...boards.map(boardRow));
  }

  if (!token) {
    message.textContent = "Open this page by the address that emufarm up prints: it carries the token.";
  } else {
    refresh();
    addEventListener("hashchange", refresh);
    refreshBoards().catch((error) => { message.textContent = error.message; });
    setInterval(() => document.visibilityState === "visible" && refresh(), 2000);
  }
</script>
</html>
`;
