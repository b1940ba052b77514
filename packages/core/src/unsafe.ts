/**
 * As a name in `openFleet({ identityView: { [lastKnownWhileStoreIsAway]: seconds } })`: while the store cannot be asked, `identify` answers what was last known, for so many seconds at the most. Then whoever was revoked by another
 * process after the store was last heard of is still let in, for as long; what this process knows to be revoked, and what it never saw, is not. For fleets to which a broker that refuses everybody does more harm.
 * Named so that it can be found with grep.
 */
export const lastKnownWhileStoreIsAway: unique symbol = Symbol.for('@fleetcert/core/lastKnownWhileStoreIsAway') as never

/**
 * As `access` of `fileKeyring`: the folder is a secret that an orchestrator has mounted (Kubernetes, Docker), where files are links, and their modes and owners are not ours to choose. Neither is checked, so whoever else may read or
 * replace the files is for the mount to say. Keys are opened and listed; none is made, taken in or deleted. Named so that it can be found with grep.
 */
export const mountedSecret: unique symbol = Symbol.for('@fleetcert/core/mountedSecret') as never
