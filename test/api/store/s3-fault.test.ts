import { describe, expect, test } from "vitest";
import { toBucketError } from "../../../src/api/store/s3-fault.ts";
import { FarmError } from "../../../src/core/error/farm-error.ts";

const PLACE = "s3://farm/one/ at https://s3.example.org";

/** An error of the SDK, or of the system below it. */
function fault(fields: { name?: string; code?: string; status?: number; message?: string; date?: string }): Error {
  const { name = "Error", code, status, message = "the words of the server", date } = fields;
  return Object.assign(new Error(message), {
    name,
    ...(code !== undefined && { code }),
    $metadata: status === undefined ? {} : { httpStatusCode: status },
    $response: { headers: date === undefined ? {} : { date } },
  });
}

const told = (error: unknown) => toBucketError(error, { place: PLACE, operation: "put an object" }) as FarmError;

describe("needs somebody to do something", () => {
  test.each([
    [{ name: "NoSuchBucket", status: 404 }, "there is no such bucket. Make it, or correct its name."],
    [{ name: "InvalidAccessKeyId", status: 403 }, "the server does not know the access key. Correct the credentials."],
    [
      { name: "SignatureDoesNotMatch", status: 403 },
      "the secret key is not the access key's. Correct the credentials.",
    ],
    [
      { name: "AccessDenied", status: 403 },
      "the access key may not put an object there (AccessDenied). Give it the right.",
    ],
    [{ name: "AuthorizationHeaderMalformed", status: 400 }, "the bucket is in another region. Correct the region."],
    [{ name: "PermanentRedirect", status: 301 }, "in another region, or behind another endpoint. Correct them."],
    [{ name: "InvalidRequest", status: 400 }, "its server refuses to put an object (HTTP 400 InvalidRequest)."],
    [
      { code: "SELF_SIGNED_CERT_IN_CHAIN", message: "self-signed" },
      "is not trusted (self-signed). Name its authority.",
    ],
  ])("%o", (fields, words) => {
    const { code, message } = told(fault(fields));
    expect(code).toBe("BucketRefused");
    expect(message).toContain(`The bucket ${PLACE} cannot be used: `);
    expect(message).toContain(words);
  });

  test("a clock that is wrong, with both of them", () => {
    const date = "Sat, 21 Nov 2020 12:00:00 GMT";
    expect(told(fault({ name: "RequestTimeTooSkewed", status: 403, date })).message).toMatch(
      /its server's clock says 2020-11-21T12:00:00.000Z, this machine's 20\d\d-.*Z\. Set the one that is wrong\.$/,
    );
    expect(told(fault({ name: "RequestTimeTooSkewed", status: 403 })).message).toContain("differs from this machine's");
  });
});

describe("goes by", () => {
  test.each([
    [{ code: "ECONNREFUSED", message: "connect ECONNREFUSED 127.0.0.1:9000" }, "connect ECONNREFUSED 127.0.0.1:9000"],
    [{ code: "ECONNREFUSED", message: "" }, "ECONNREFUSED"],
    [{ name: "TimeoutError", message: "timed out after 60000 ms" }, "timed out after 60000 ms"],
    [{ name: "SlowDown", status: 503 }, "HTTP 503 SlowDown"],
    [{ name: "InternalError", status: 500 }, "HTTP 500 InternalError"],
    [{ name: "RequestTimeout", status: 400 }, "HTTP 400 RequestTimeout"],
    [{ name: "IncompleteBody", status: 400 }, "HTTP 400 IncompleteBody"],
    [{ name: "TooManyRequests", status: 429 }, "HTTP 429 TooManyRequests"],
  ])("%o", (fields, words) => {
    const { code, message } = told(fault(fields));
    expect(code).toBe("BucketUnavailable");
    expect(message).toContain(`The bucket ${PLACE} does not answer: ${words}.`);
  });
});

test("an error of the farm's own stays what it is", () => {
  const error = new FarmError("BucketRefused", { place: PLACE, problem: "x" });
  expect(told(error)).toBe(error);
});
