import { useState } from 'preact/hooks'
import { bandsOf } from '../../../src/report/bands.ts'
import type { Lane, LaneChange } from '../../../src/report/lanes.ts'
import { f, openTrace, t } from '../state/state.ts'
import { hoverAt, zoomTo } from '../state/view.ts'
import { changeText } from './change-text.ts'

/** The most changes that are marked. All are in the table. */
const MARKS_MAX = 60
const DRAG_PX_MIN = 5
/** The least width of a band, in its style too: one that has just begun is seen whole. */
const BAND_PX_MIN = 3
/** How near to a mark the pointer must be. */
const MARK_PX = 8

interface LaneTrackProps {
  readonly lane: Lane
  readonly from: number
  readonly to: number
  readonly stepMs: number
}

/** The states of a breaker over time, with a mark for each change. A drag chooses a range. */
export function LaneTrack({ lane, from, to, stepMs }: LaneTrackProps) {
  const shareOf = (at: number): string => `${((at - from) / (to - from)) * 100}%`
  const [drag, setDrag] = useState<{ readonly start: number; readonly at: number } | undefined>()
  const [noted, setNoted] = useState<number | undefined>()
  const changes = lane.changes.slice(-MARKS_MAX)
  const placeOf = (event: PointerEvent): { readonly at: number; readonly msPerPx: number } => {
    const { left, width } = (event.currentTarget as HTMLElement).getBoundingClientRect()
    const msPerPx = (to - from) / width
    return { at: from + (event.clientX - left) * msPerPx, msPerPx }
  }
  const hover = hoverAt.value
  return (
    <div
      class="track-frame"
      onPointerMove={(event) => {
        const { at, msPerPx } = placeOf(event)
        hoverAt.value = Math.floor(at / stepMs) * stepMs
        setNoted(nearest(changes, at, MARK_PX * msPerPx))
        if (drag !== undefined) setDrag({ ...drag, at })
      }}
      onPointerDown={(event) => {
        const { at } = placeOf(event)
        if (event.pointerType === 'mouse' && event.button === 0) setDrag({ start: at, at })
      }}
      onPointerUp={(event) => {
        const { at, msPerPx } = placeOf(event)
        setDrag(undefined)
        if (drag !== undefined && Math.abs(drag.at - drag.start) >= DRAG_PX_MIN * msPerPx) {
          zoomTo(Math.min(drag.start, drag.at), Math.max(drag.start, drag.at))
          return
        }
        const id = changes[nearest(changes, at, MARK_PX * msPerPx) ?? -1]?.traceId
        if (id !== undefined) openTrace.value = id
      }}
      onPointerLeave={() => {
        hoverAt.value = undefined
        setNoted(undefined)
        setDrag(undefined)
      }}
    >
      <div class="band-line" aria-hidden="true">
        {bandsOf(lane, { from, to }).map((band) => (
          <span
            key={band.from}
            class={`band ${band.state}`}
            style={{
              left: `min(${shareOf(band.from)}, 100% - ${BAND_PX_MIN}px)`,
              width: `${((band.to - band.from) / (to - from)) * 100}%`,
            }}
          />
        ))}
        {hover !== undefined && hover >= from && hover < to && (
          <span class="crosshair" style={{ left: shareOf(hover + stepMs / 2) }} />
        )}
        {drag !== undefined && (
          <span
            class="chosen"
            style={{
              left: shareOf(Math.min(drag.start, drag.at)),
              width: `${(Math.abs(drag.at - drag.start) / (to - from)) * 100}%`,
            }}
          />
        )}
      </div>
      <Marks changes={changes} shareOf={shareOf} noted={noted} note={setNoted} />
    </div>
  )
}

interface MarksProps {
  readonly changes: readonly LaneChange[]
  readonly shareOf: (at: number) => string
  /** The change whose text is shown. */
  readonly noted: number | undefined
  readonly note: (index: number | undefined) => void
}

/** A mark for each change: one stop of the Tab key for a lane, arrows move between its marks. */
function Marks({ changes, shareOf, noted, note }: MarksProps) {
  const [chosen, setChosen] = useState<number | undefined>()
  const current = Math.min(chosen ?? changes.length - 1, changes.length - 1)
  const shown = noted === undefined ? undefined : changes[noted]
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -changes.length, End: changes.length }[event.key]
    if (step === undefined) return
    event.preventDefault()
    const next = Math.min(Math.max(current + step, 0), changes.length - 1)
    const list = event.currentTarget as HTMLElement
    list.querySelectorAll('button')[next]?.focus()
  }
  if (changes.length === 0) return null
  return (
    <>
      <ul class="marks" aria-label={t.value.changesTitle} onKeyDown={move}>
        {changes.map((change, index) => (
          <li key={`${change.at}/${change.to}/${index}`} style={{ left: shareOf(change.at) }}>
            <button
              type="button"
              class={`mark ${index === noted ? 'noted' : ''}`}
              tabIndex={index === current ? 0 : -1}
              aria-label={`${f.value.clockExact(change.at)}: ${changeText(change)}`}
              aria-haspopup={change.traceId === undefined ? undefined : 'dialog'}
              onClick={() => {
                if (change.traceId !== undefined) openTrace.value = change.traceId
              }}
              onFocus={() => {
                setChosen(index)
                note(index)
              }}
              onBlur={() => note(undefined)}
            />
          </li>
        ))}
      </ul>
      {shown !== undefined && (
        <p
          class="lane-note"
          aria-hidden="true"
          style={{ left: shareOf(shown.at), transform: `translateX(-${shareOf(shown.at)})` }}
        >
          <strong>{f.value.clockExact(shown.at)}</strong> {changeText(shown)}
        </p>
      )}
    </>
  )
}

/** The change that is nearest to a moment; undefined if none is within `ms`. Marks may be closer than a pointer can tell. */
function nearest(changes: readonly LaneChange[], at: number, ms: number): number | undefined {
  let found: number | undefined
  let distance = ms
  for (const [index, change] of changes.entries()) {
    if (Math.abs(change.at - at) > distance) continue
    distance = Math.abs(change.at - at)
    found = index
  }
  return found
}
