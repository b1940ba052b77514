// Opens a store, writes, and comes to its end without closing anything.
import { sqliteStore } from '@fleetcert/store-sqlite'
import { issuer } from '../../../../test-support/reservation.ts'

const store = sqliteStore({ file: process.argv[2]! })
const scope = { issuerKeyId: issuer, shard: 0 }
await store.nextCrlNumber(scope)
// Nobody waits for this one, but it was asked for.
void store.nextCrlNumber(scope).then(number => process.stdout.write(String(number)))
