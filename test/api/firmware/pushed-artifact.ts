import { digestOf } from "./fake-registry.ts";

/** Pushes bytes to a registry as clients of artifacts do (distribution-spec 1.1). @returns the digest of the manifest */
export async function pushArtifact(
  registry: string,
  repository: string,
  bytes: Uint8Array,
  login: { readonly username: string; readonly password: string },
): Promise<string> {
  const base = `http://${registry}/v2/${repository}`;
  const authorization = `Basic ${Buffer.from(`${login.username}:${login.password}`).toString("base64")}`;
  const send = async (
    url: string,
    method: string,
    body?: Uint8Array<ArrayBuffer>,
    type = "application/octet-stream",
  ) => {
    const answer = await fetch(url, {
      method,
      headers: { authorization, "content-type": type },
      ...(body && { body }),
    });
    if (answer.ok) return answer;
    throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
  };
  const pushBlob = async (blob: Uint8Array) => {
    const begun = await send(`${base}/blobs/uploads/`, "POST");
    const place = new URL(begun.headers.get("location") ?? "", base);
    place.searchParams.set("digest", digestOf(blob));
    await send(place.href, "PUT", new Uint8Array(blob));
    return { digest: digestOf(blob), size: blob.length };
  };
  const config = { mediaType: "application/vnd.oci.empty.v1+json", ...(await pushBlob(Buffer.from("{}"))) };
  const annotations = { "org.opencontainers.image.title": "app.elf" };
  const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar", annotations, ...(await pushBlob(bytes)) };
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [layer] }));
  await send(`${base}/manifests/1.2`, "PUT", new Uint8Array(manifest), mediaType);
  return digestOf(manifest);
}
