/** What one simulated device has done since it was switched on. */
export interface DeviceReport {
  readonly deviceId: string
  /** Rises with each power cut. */
  readonly boot: number
  readonly isConnected: boolean
  /** Messages handed to the client, numbered from 1. */
  readonly published: number
  readonly acknowledged: number
  /** Publishes that failed for good. */
  readonly failed: number
  /** PUBLISH packets on the wire: what is more than `published` are QoS 1's own repetitions. */
  readonly sent: number
  /** Repetitions that did not carry the DUP flag: there must be none. */
  readonly sentAgainUnmarked: number
  readonly disconnects: number
  /** How long it chose to wait after the last lost session before it tried again. */
  readonly firstDelaySeconds?: number
  /** Attempts to connect that failed. */
  readonly failedAttempts: number
  /** Attempts that failed because one side did not believe the other. */
  readonly untrusting: number
  readonly renewals: number
  readonly trustUpdates: number
  /** The newest error's code. */
  readonly lastError?: string
}
