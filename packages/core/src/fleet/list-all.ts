import type { IoOptions } from '@fleetcert/x509'
import type { CertificateQuery, CertificateRecord, Cursor, Store } from '../store/store.ts'

/** Every record of a listing, page by page. */
export async function* listAll(
  store: Store,
  query: CertificateQuery,
  from: Cursor | undefined,
  options?: IoOptions,
  limit = 100,
): AsyncGenerator<CertificateRecord, void, undefined> {
  let after = from
  do {
    const page = await store.certificates(query, { limit, ...(after === undefined ? {} : { after }) }, options)
    yield* page.items
    after = page.next
  } while (after !== undefined)
}
