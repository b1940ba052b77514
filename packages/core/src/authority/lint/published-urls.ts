import type { TbsCertificate } from '@fleetcert/x509'

/** Whether one of the URLs in cRLDistributionPoints and authorityInfoAccess is like that. */
export function somePublishedUrl(
  { crlDistributionPoints, authorityInfoAccess }: TbsCertificate,
  isLike: (url: string) => boolean,
): boolean {
  return (
    crlDistributionPoints?.some(isLike) === true ||
    authorityInfoAccess?.ocsp.some(isLike) === true ||
    authorityInfoAccess?.caIssuers.some(isLike) === true
  )
}
