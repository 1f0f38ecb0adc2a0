/** Where the farm is; every command that talks to one takes these. */
export interface FarmOptions {
  readonly farm?: string;
  readonly tokenFile?: string;
  readonly data?: string;
}
