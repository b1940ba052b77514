/** The token of an Authorization header `Bearer <token>` (RFC 6750 section 2.1); `undefined` for anything else. Whether it is a good one is for others to say. */
export function bearerCredential(authorization: string | undefined): string | undefined {
  // RFC 9110 section 11.1: the scheme is case-insensitive.
  return /^bearer +([\x21-\x7e]+)$/i.exec(authorization ?? '')?.[1]
}
