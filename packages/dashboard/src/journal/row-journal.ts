import type { Cells } from '../counts/cells.ts'
import type { Timeline } from '../counts/timeline.ts'
import type { Services } from '../counts/watch/services.ts'
import type { ErrorGroups } from '../counts/errors/error-groups.ts'
import type { ErrorLine } from './journal.ts'
import type { LatestErrors } from './latest-errors.ts'
import type { LiveTail } from './live-tail.ts'

/** What rows are counted in: the parts of a journal that requests need. */
export interface RowJournal {
  readonly clock: () => number
  readonly cells: Cells
  readonly named: Timeline
  readonly services: Services
  readonly errors: LatestErrors<ErrorLine>
  readonly errorGroups: ErrorGroups
  readonly liveTail: LiveTail
}
