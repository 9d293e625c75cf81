import { useState } from 'preact/hooks'
import type { Lane } from '../../../src/report/lanes.ts'
import { f, openTrace, t } from '../state/state.ts'
import { hoverAt, zoomTo } from '../state/view.ts'
import { changeText } from './change-text.ts'

/** The most changes that are marked. All are in the table. */
const MARKS_MAX = 60
const DRAG_PX_MIN = 5

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
  const timeAt = (event: PointerEvent): number => {
    const { left, width } = (event.currentTarget as HTMLElement).getBoundingClientRect()
    return from + ((event.clientX - left) / width) * (to - from)
  }
  const hover = hoverAt.value
  return (
    <div
      class="track-frame"
      onPointerMove={(event) => {
        const at = timeAt(event)
        hoverAt.value = Math.floor(at / stepMs) * stepMs
        if (drag !== undefined) setDrag({ ...drag, at })
      }}
      onPointerDown={(event) => {
        if (event.pointerType === 'mouse' && event.button === 0) setDrag({ start: timeAt(event), at: timeAt(event) })
      }}
      onPointerUp={(event) => {
        const width = event.currentTarget.getBoundingClientRect().width
        if (drag !== undefined && (Math.abs(drag.at - drag.start) / (to - from)) * width >= DRAG_PX_MIN)
          zoomTo(Math.min(drag.start, drag.at), Math.max(drag.start, drag.at))
        setDrag(undefined)
      }}
      onPointerLeave={() => {
        hoverAt.value = undefined
        setDrag(undefined)
      }}
    >
      <div class="band-line" aria-hidden="true">
        {bandsOf(lane, from, to).map((band) => (
          <span
            key={band.from}
            class={`band ${band.state}`}
            style={{ left: shareOf(band.from), width: `${((band.to - band.from) / (to - from)) * 100}%` }}
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
      <Marks lane={lane} shareOf={shareOf} />
    </div>
  )
}

/** A mark for each change: one stop of the Tab key for a lane, arrows move between its marks. */
function Marks({ lane, shareOf }: { readonly lane: Lane; readonly shareOf: (at: number) => string }) {
  const changes = lane.changes.slice(-MARKS_MAX)
  const [chosen, setChosen] = useState<number | undefined>()
  const [noted, setNoted] = useState<number | undefined>()
  const current = Math.min(chosen ?? changes.length - 1, changes.length - 1)
  const note = noted === undefined ? undefined : changes[noted]
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -changes.length, End: changes.length }[event.key]
    if (step === undefined) return
    event.preventDefault()
    const next = Math.min(Math.max(current + step, 0), changes.length - 1)
    setChosen(next)
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
              class={`mark ${change.to}`}
              tabIndex={index === current ? 0 : -1}
              aria-label={`${f.value.clockExact(change.at)}: ${changeText(change)}`}
              aria-haspopup={change.traceId === undefined ? undefined : 'dialog'}
              onClick={() => {
                if (change.traceId !== undefined) openTrace.value = change.traceId
              }}
              onFocus={() => {
                setChosen(index)
                setNoted(index)
              }}
              onBlur={() => setNoted(undefined)}
              onPointerEnter={() => setNoted(index)}
              onPointerLeave={() => setNoted(undefined)}
            />
          </li>
        ))}
      </ul>
      {note !== undefined && (
        <p
          class="lane-note"
          aria-hidden="true"
          style={{ left: shareOf(note.at), transform: `translateX(-${shareOf(note.at)})` }}
        >
          <strong>{f.value.clockExact(note.at)}</strong> {changeText(note)}
        </p>
      )}
    </>
  )
}

function bandsOf({ before, changes }: Lane, from: number, to: number) {
  const bands: { readonly from: number; readonly to: number; readonly state: string }[] = []
  let current = { at: from, state: before }
  for (const change of [...changes, { at: to, to: '' }]) {
    bands.push({ from: current.at, to: change.at, state: current.state })
    current = { at: change.at, state: change.to }
  }
  return bands.filter((band) => band.state !== '')
}
