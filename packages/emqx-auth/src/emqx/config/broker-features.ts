import { type EmqxRelease, hasSince } from './emqx-version.ts'

// What differs between releases beside the placeholders, read in the sources at each tag.

/** CRLs can be checked at all. @internal */
export const checksCrls = (release: EmqxRelease): boolean => hasSince(release, '4.4.11', '5.0.22')

/** A CRL in DER survives the timed refresh; before, it became an empty list and no handshake passed (emqx#17135, #17140). @internal */
export const refreshesDerCrls = (release: EmqxRelease): boolean => hasSince(release, '6.0.3', '6.1.2', '6.2.1')

/** The client's certificate survives PROXY protocol v2 in front of a TLS listener (emqx#17223). @internal */
export const keepsCertificateBehindProxy = (release: EmqxRelease): boolean =>
  hasSince(release, '6.0.3', '6.1.2', '6.2.1')

/** CRLs are also fetched from https (emqx#16683). @internal */
export const fetchesCrlsOverHttps = (release: EmqxRelease): boolean => hasSince(release, '6.2.0')

/** Listeners have `enable`; before, they only know `enabled`. @internal */
export const namesListenersEnable = (release: EmqxRelease): boolean => hasSince(release, '5.1.0')

/** Answers can be cached per node (emqx#14286). @internal */
export const hasNodeCache = (release: EmqxRelease): boolean => hasSince(release, '5.9.0')

/** Answers are cached per node unless that is switched off (emqx#16794). @internal */
export const cachesByDefault = (release: EmqxRelease): boolean => hasSince(release, '6.2.0')

/** `authorization.no_match` is deny unless it is said otherwise. @internal */
export const deniesNoMatch = (release: EmqxRelease): boolean => hasSince(release, '6.0.0')

/** TLS sessions are resumed only where that is switched on (emqx#16547). @internal */
export const resumesOnRequest = (release: EmqxRelease): boolean => hasSince(release, '6.2.0')

/** Listeners have `session_tickets` (emqx#16461). @internal */
export const hasSessionTickets = (release: EmqxRelease): boolean => hasSince(release, '6.0.2', '6.1.1')

/** Line ends and NUL in a header that was filled from a certificate are refused (emqx#17309). @internal */
export const guardsHeaders = (release: EmqxRelease): boolean =>
  hasSince(release, '5.8.11', '5.9.3', '5.10.4', '6.0.3', '6.1.2', '6.2.1')

/** The answer's `result` counts; 5.0.0 takes any 200 for allow. @internal */
export const readsResult = (release: EmqxRelease): boolean => hasSince(release, '5.0.1')

/** A placeholder without a value is empty; before, it fails the request. @internal */
export const toleratesMissingValues = (release: EmqxRelease): boolean => hasSince(release, '5.0.9')

/** QUIC listeners can show the client's certificate to an authenticator (emqx#16694). @internal */
export const showsQuicCertificates = (release: EmqxRelease): boolean => hasSince(release, '6.3.0')
