import type { Row } from '../walk/row.ts'
import { attackRows } from './attack.ts'
import { breaker } from './breaker.ts'
import { bulkhead } from './bulkhead.ts'
import { commands } from './commands.ts'
import { crash } from './crash.ts'
import { dashboard } from './dashboard.ts'
import { errorBody } from './error-body.ts'
import { faults } from './faults.ts'
import { kinds } from './kinds.ts'
import { logs } from './logs.ts'
import { openapi } from './openapi.ts'
import { orders } from './orders.ts'
import { productDetails } from './product-details.ts'
import { retry } from './retry.ts'
import { start } from './start.ts'
import { traces } from './traces.ts'
import { users } from './users.ts'
import { wellKnown } from './well-known.ts'

/**
 * Every row of the contract.
 *
 * The rows that run alone follow all others in this order: the dashboard's totals, the crash, the logs of all earlier
 * rows, the stop of the shop.
 */
export const allRows: readonly Row[] = [
  ...errorBody,
  ...wellKnown,
  ...orders,
  ...users,
  ...kinds,
  ...retry,
  ...bulkhead,
  ...breaker,
  ...attackRows,
  ...productDetails,
  ...traces,
  ...dashboard,
  ...faults,
  ...commands,
  ...openapi,
  ...crash,
  ...logs,
  ...start,
]
