import type { KubeObject, Resource } from "./kube-object.ts";

/** Which objects: all where nothing is said. */
export interface Selection {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ObjectList<Kind> {
  readonly items: Kind[];
  /** Where a watch goes on from. */
  readonly resourceVersion: string;
}

/** What has become of an object. Bookmarks only tell that all is quiet up to a version. */
export interface WatchEvent<Kind> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: Kind;
}

export interface WatchOptions extends Selection {
  readonly resourceVersion: string;
  /** When the server shall end the stream. */
  readonly timeoutSeconds: number;
  /** The stream counts as dead when not a byte has come for so long. */
  readonly inactivityMs: number;
  readonly signal: AbortSignal;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Longest wait for the answer; default: the client's. */
  readonly timeoutMs?: number | undefined;
  /** Called right before the request leaves this process, maybe twice; what it throws keeps it from leaving. */
  readonly beforeSend?: (() => void) | undefined;
}

export interface ApplyOptions extends CallOptions {
  readonly fieldManager: string;
  /** True takes fields that other managers own; default false: they are a conflict. */
  readonly force?: boolean;
}

export interface DeleteOptions extends CallOptions {
  /** Only this very object, not one of the same name that came after it. */
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Foreground" | "Background" | "Orphan";
}

/**
 * The API server. Objects are plain JSON. Every call throws KubeError where the server says no or nothing, and ends
 * by itself after a deadline; nothing but an expired login is tried twice.
 */
export interface KubeClient extends AsyncDisposable {
  get<Kind extends KubeObject>(
    resource: Resource<Kind>,
    name: string,
    namespace?: string,
    options?: CallOptions,
  ): Promise<Kind | undefined>;
  /** Everything selected, as of one version, fetched in pages. */
  list<Kind extends KubeObject>(
    resource: Resource<Kind>,
    selection?: Selection & CallOptions,
  ): Promise<ObjectList<Kind>>;
  /**
   * Changes since a version, with bookmarks. Ends when the server ends it.
   * @throws {KubeError} also for a stream that breaks, falls silent (`Timeout`) or cannot be read (`Unparsable`)
   */
  watch<Kind extends KubeObject>(resource: Resource<Kind>, options: WatchOptions): AsyncGenerator<WatchEvent<Kind>>;
  create<Kind extends KubeObject>(
    resource: Resource<Kind>,
    object: Kind,
    options?: CallOptions & { readonly fieldManager?: string },
  ): Promise<Kind>;
  /** Server-side apply. A `uid` in the metadata holds it to that very object. Children go through `applyOwned`. */
  apply<Kind extends KubeObject>(resource: Resource<Kind>, object: Kind, options: ApplyOptions): Promise<Kind>;
  /** Server-side apply of the status alone; fields of other managers are taken over, unless `force` is false. */
  applyStatus<Kind extends KubeObject>(resource: Resource<Kind>, object: Kind, options: ApplyOptions): Promise<Kind>;
  /** JSON merge patch. A `resourceVersion` or `uid` in its metadata is a precondition. */
  patch<Kind extends KubeObject>(
    resource: Resource<Kind>,
    name: string,
    namespace: string | undefined,
    mergePatch: object,
    options?: CallOptions & { readonly fieldManager?: string; readonly subresource?: "status" | "scale" },
  ): Promise<Kind>;
  /** Replaces the object; its `resourceVersion` is the precondition. */
  replace<Kind extends KubeObject>(resource: Resource<Kind>, object: Kind, options?: CallOptions): Promise<Kind>;
  /** False where there was no such object. */
  delete<Kind extends KubeObject>(
    resource: Resource<Kind>,
    name: string,
    namespace: string | undefined,
    options?: DeleteOptions,
  ): Promise<boolean>;
}
