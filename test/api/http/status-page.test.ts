import { createContext, runInContext } from "node:vm";
import { expect, test, vi } from "vitest";
import { STATUS_PAGE } from "../../../src/api/http/status-page.ts";
import { PATIENCE } from "../../patience.ts";

/** As much of a browser's element as the page uses. */
class PageElement {
  readonly tag: string;
  children: (PageElement | string)[] = [];
  hidden = true;
  href = "";

  constructor(tag: string) {
    this.tag = tag;
  }

  get textContent(): string {
    return this.children.map((child) => (typeof child === "string" ? child : child.textContent)).join("");
  }

  set textContent(text: string | number) {
    this.children = [String(text)];
  }

  append(...children: (PageElement | string)[]): void {
    this.children.push(...children);
  }

  replaceChildren(...children: PageElement[]): void {
    this.children = children;
  }

  find(tag: string): PageElement[] {
    const own = this.children.filter((child) => typeof child !== "string");
    return own.flatMap((child) => [...(child.tag === tag ? [child] : []), ...child.find(tag)]);
  }
}

/** The page at an address, with the answers that the farm gives. */
function openPage(hash: string, answers: Readonly<Record<string, unknown>>) {
  const ids = [...STATUS_PAGE.matchAll(/ id="(\w+)"/g)].map(([, id]) => String(id));
  const elements = new Map(ids.map((id) => [id, new PageElement("div")]));
  const asked: { path: string; authorization: string | undefined }[] = [];
  const context = createContext({
    document: {
      getElementById: (id: string) => elements.get(id),
      createElement: (tag: string) => new PageElement(tag),
      visibilityState: "visible",
    },
    Node: PageElement,
    location: { hash, pathname: "/" },
    history: { replaceState() {} },
    sessionStorage: { getItem: () => "secret", setItem() {} },
    setInterval() {},
    addEventListener() {},
    URLSearchParams,
    fetch: async (path: string, { headers }: { headers: Record<string, string> }) => {
      asked.push({ path, authorization: headers.authorization });
      const problem = { message: `There is no ${path}.` };
      return { ok: path in answers, status: 404, json: async () => answers[path] ?? problem };
    },
  });
  runInContext(/<script>(.*)<\/script>/s.exec(STATUS_PAGE)?.[1] ?? "", context);
  return { asked, of: (id: string) => elements.get(id) ?? new PageElement("none") };
}

const verdicts = { passed: 1, failed: 1 };
const totals = { total: 3, waiting: 1, running: 0, verdicts, unexpected: 1, flaky: 0, skipped: 0 };
const run = { id: "r1", name: "nightly", outcome: "running", isCancelled: false, totals };
const jobs = [
  {
    id: "r1-000000",
    name: "a",
    spec: { board: "b" },
    state: "finished",
    verdict: { verdict: "passed", isExpected: true },
  },
  {
    id: "r1-000001",
    name: "c",
    spec: { board: "d" },
    state: "finished",
    verdict: {
      verdict: "failed",
      isExpected: false,
      error: { message: "It <b>broke</b>." },
      result: { logs: [{ uart: "uart0" }] },
    },
  },
  { id: "r1-000002", name: "e", spec: { board: "f" }, state: "waiting", waiting: { reason: "all slots are taken" } },
];
const answers = { "/v1/runs?limit=50": [run], "/v1/boards": [], "/v1/runs/r1/jobs?limit=1000": jobs };

test("the status page links each run to its jobs", async () => {
  const page = openPage("", answers);
  await vi.waitFor(
    () => expect(page.of("runs").find("a")[0]).toMatchObject({ href: "#r1", textContent: "r1" }),
    PATIENCE,
  );
  expect(page.of("jobsOfRun").hidden).toBe(true);
  expect(page.asked.map(({ path }) => path)).not.toContain("/v1/runs/r1/jobs?limit=1000");
});

test("the status page shows a run's jobs: how each stands, why, and its logs", async () => {
  const page = openPage("#r1", answers);
  await vi.waitFor(() => expect(page.of("jobs").find("tr")).toHaveLength(3), PATIENCE);
  expect(page.of("jobsOfRun").hidden).toBe(false);
  const cells = page
    .of("jobs")
    .find("tr")
    .map((tr) => tr.find("td").map((td) => td.textContent.trim()));
  expect(cells).toEqual([
    ["r1-000000", "a", "b", "passed", "", ""],
    ["r1-000001", "c", "d", "failed", "It <b>broke</b>.", "uart0"],
    ["r1-000002", "e", "f", "waiting", "all slots are taken", ""],
  ]);
  expect(new Set(page.asked.map(({ authorization }) => authorization))).toEqual(new Set(["Bearer secret"]));
});

test("the status page says what the farm answers about a run that is not there", async () => {
  const page = openPage("#r2", answers);
  await vi.waitFor(
    () => expect(page.of("message").textContent).toBe("There is no /v1/runs/r2/jobs?limit=1000."),
    PATIENCE,
  );
});
