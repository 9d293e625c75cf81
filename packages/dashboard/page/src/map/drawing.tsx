import { useState } from 'preact/hooks'
import { engine } from '../engine/loaded.ts'
import { t } from '../state/state.ts'
import { callText } from './call-text.ts'
import { type Graph, type MapEdge, openBreaker, troubleOf, widthOf } from './graph.ts'
import { labelsOf } from './labels.ts'
import type { Layout, Route } from './layout/layout.ts'
import { MapNodeButton } from './node.tsx'
import { mt } from './state.ts'

const NOTE_ID = 'map-calls'
const NOTE_WIDTH = 304
const NOTED_MAX = 10
const STATES = ['healthy', 'degraded', 'failing', 'idle', 'unknown'] as const

interface DrawingProps {
  readonly graph: Graph
  readonly drawn: Layout
}

/** The map: callers at the left, what they call at the right. */
export function Drawing({ graph, drawn }: DrawingProps) {
  const texts = mt.value
  const Hint = engine.value?.EngineMapHint
  const [noted, note] = useState<string | undefined>()
  const boxes = new Map(drawn.boxes.map((box) => [box.name, box]))
  const edges = graph.edges.map((edge, at) => ({ edge, route: drawn.routes[at] }))
  const isNear = ({ from, to }: MapEdge): boolean => noted === undefined || from === noted || to === noted
  const states = STATES.filter((state) => graph.edges.some(({ call }) => call.state === state))
  return (
    <>
      <div class="map-frame" style={{ width: `${drawn.width}px`, height: `${drawn.height + 4}px` }}>
        <svg class="map-lines" width={drawn.width} height={drawn.height + 4} aria-hidden="true">
          {edges
            .toSorted((a, b) => troubleOf(a.edge.call) - troubleOf(b.edge.call))
            .map(
              ({ edge, route }) =>
                route && (
                  <g
                    key={`${edge.from}\u0000${edge.to}`}
                    class={`map-line ${edge.call.state} ${isNear(edge) ? '' : 'far'}`}
                  >
                    <path d={route.path} style={{ strokeWidth: widthOf(edge.call) }} />
                    <path class="head" d={headOf(route)} />
                  </g>
                ),
            )}
        </svg>
        {labelsOf(drawn, graph.edges).map(({ key, text, x, y, align, edge }) => (
          <span
            key={key}
            class={`map-label ${align} ${openBreaker(edge.call)?.state ?? edge.call.state} ${isNear(edge) ? '' : 'far'}`}
            aria-hidden="true"
            style={{ left: `${x}px`, top: `${y}px` }}
          >
            {text}
          </span>
        ))}
        <ul aria-label={t.value.services(String(graph.nodes.length))}>
          {graph.nodes.toSorted(byPlace(boxes)).map((node) => {
            const box = boxes.get(node.id)
            return (
              box && (
                <li key={node.id}>
                  <MapNodeButton
                    node={node}
                    box={box}
                    describedBy={noted === node.id ? NOTE_ID : undefined}
                    note={note}
                  />
                </li>
              )
            )
          })}
        </ul>
        <Note graph={graph} drawn={drawn} noted={noted} />
      </div>
      <ul class="legend map-legend">
        {states.map((state) => (
          <li key={state}>
            <svg class="key-line map-line" viewBox="0 0 32 8" aria-hidden="true">
              <g class={`map-line ${state}`}>
                <path d="M0 4L32 4" />
              </g>
            </svg>{' '}
            {state === 'failing' ? '✕ ' : state === 'degraded' ? '▲ ' : ''}
            {texts.states[state]}
          </li>
        ))}
      </ul>
      <p class="quiet note">{Hint ? <Hint /> : texts.hint}</p>
    </>
  )
}

/** The calls of the service under the pointer or with the focus. */
function Note({ graph, drawn, noted }: DrawingProps & { readonly noted: string | undefined }) {
  const box = drawn.boxes.find(({ name }) => name === noted)
  const node = graph.nodes.find(({ id }) => id === noted)
  if (box === undefined || node === undefined) return null
  const calls = graph.edges.filter(({ from, to }) => from === noted || to === noted)
  const left = Math.max(0, Math.min(box.x, drawn.width - NOTE_WIDTH))
  return (
    <div class="readout map-note" id={NOTE_ID} style={{ left: `${left}px`, top: `${box.y + box.height + 4}px` }}>
      <p class="map-full">{node.name}</p>
      <ul>
        {calls
          .toSorted((a, b) => troubleOf(b.call) - troubleOf(a.call))
          .slice(0, NOTED_MAX)
          .map(({ from, to, call }) => (
            <li key={`${from}\u0000${to}`}>
              {call.from} → {call.to}: <span class={`map-said ${call.state}`}>{callText(call)}</span>
            </li>
          ))}
      </ul>
      {calls.length > NOTED_MAX && <p class="quiet">+ {calls.length - NOTED_MAX}</p>}
    </div>
  )
}

/** The order of the Tab key: from left to right, then from the top. */
function byPlace(boxes: ReadonlyMap<string, { readonly x: number; readonly y: number }>) {
  return (a: { readonly id: string }, b: { readonly id: string }): number => {
    const [left, right] = [boxes.get(a.id), boxes.get(b.id)]
    return (left?.x ?? 0) - (right?.x ?? 0) || (left?.y ?? 0) - (right?.y ?? 0)
  }
}

function headOf({ end: { x, y, towards } }: Route): string {
  if (towards === 'down') return `M${x - 4} ${y - 8}L${x} ${y}L${x + 4} ${y - 8}Z`
  const back = towards === 'right' ? x - 9 : x + 9
  return `M${back} ${y - 4.5}L${x} ${y}L${back} ${y + 4.5}Z`
}
