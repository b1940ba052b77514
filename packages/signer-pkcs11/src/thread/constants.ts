/** What PKCS #11 has and pkcs11js does not name: session states of 2.40, and what 3.0 calls Edwards curves. */
export const ckMore = {
  CKS_RO_USER_FUNCTIONS: 1,
  CKS_RW_USER_FUNCTIONS: 3,
  CKK_EC_EDWARDS: 0x40,
  CKM_EC_EDWARDS_KEY_PAIR_GEN: 0x1055,
  CKM_EDDSA: 0x1057,
} as const
