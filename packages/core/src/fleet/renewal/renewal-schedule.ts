/** What `fleet.scheduleRenewals` is asked for: when certificates are to be renewed, and which. Without a filter: all that were issued before. Filters add up. */
export interface RenewalScheduleRequest {
  /** Where the window begins. In the past: at once. */
  readonly from: Date
  /** Where it ends, after `from` and in the future: devices choose a moment in between, so this is how long the hub is busy. */
  readonly to: Date
  /** What was made for this owner. */
  readonly owner?: string
  /** Name of the profile that a certificate was made with. */
  readonly profile?: string
  /** Of the issuing CA: lower-case hex. */
  readonly issuerKeyId?: string
  /** Not after now. Default: now. So what is renewed for a schedule is not renewed for it again. */
  readonly issuedBefore?: Date
  /** What these devices have; 1 to 1,000. */
  readonly deviceIds?: readonly string[]
  /** Told to the devices; 1 to 200 characters. */
  readonly reason?: string
}

/** A schedule as it is kept. */
export interface RenewalSchedule extends RenewalScheduleRequest {
  /** To withdraw it by. */
  readonly id: string
  /** When it was made. */
  readonly createdAt: Date
  /** As it was asked for, or `createdAt`. */
  readonly issuedBefore: Date
}
