import { isPkiError } from '@fleetcert/x509'
import { contextTag, createDerReader } from '@fleetcert/x509/der'

/** The parts of an OtherName (RFC 5280 section 4.2.1.6), given as the whole GeneralName; of one that is malformed, an empty `typeId`. */
export function readOtherName(der: Uint8Array): { readonly typeId: string; readonly value: Uint8Array } {
  try {
    const reader = createDerReader(der)
    reader.enter(contextTag(0, true))
    const typeId = reader.objectIdentifier()
    reader.enter(contextTag(0, true))
    const value = reader.element()
    reader.leave()
    reader.leave()
    reader.finish()
    return { typeId, value }
  } catch (error) {
    if (!isPkiError(error)) throw error
    return { typeId: '', value: new Uint8Array() }
  }
}
