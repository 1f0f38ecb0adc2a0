import { z } from "zod";

const SEGMENT = "[A-Za-z0-9_][A-Za-z0-9._-]*";

/** A name as people write it, who may begin a path with a dot. */
export const ARTIFACT_PATH = new RegExp(`^(\\./)?${SEGMENT}(/${SEGMENT}){0,3}$`);

/** Name of a file that a test made: a relative path of at most four segments that are safe on every system. */
export const artifactName = z
  .string()
  .max(120)
  .regex(new RegExp(`^${SEGMENT}(/${SEGMENT}){0,3}$`), "must be a relative path of letters, digits, '.', '_' and '-'")
  .describe("Name of the file: a relative path of at most four parts, such as screens/boot.png.");

export const attemptArtifact = z
  .strictObject({
    name: artifactName,
    mediaType: z.string().max(120).describe("Media type, such as image/png."),
    bytes: z.number().int().describe("Size of the file."),
  })
  .describe("A file that a test made.");
export type AttemptArtifact = z.infer<typeof attemptArtifact>;

/** The name of a path that fits ARTIFACT_PATH. */
export function artifactNameOf(path: string): string {
  return path.replace(/^\.\//, "");
}

/** The name as one segment of a URL or of a folder. */
export function artifactSegment(name: string): string {
  return encodeURIComponent(artifactName.parse(name));
}
