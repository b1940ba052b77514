/** What a person typed that cannot be used, for the terminal. */
export class UsageError extends Error {}
