/** How ids of jobs and runs look, as against names. */
export const JOB_ID = /^r[0-9a-z]{12,24}-\d{6}$/;
export const RUN_ID = /^r[0-9a-z]{12,24}$/;
