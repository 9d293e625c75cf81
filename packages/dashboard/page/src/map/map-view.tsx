import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { Calls } from '../../../src/report/calls.ts'
import { engine } from '../engine/loaded.ts'
import { asTables, f, parts } from '../state/state.ts'
import { Drawing } from './drawing.tsx'
import { type Graph, graphOf } from './graph.ts'
import { layout } from './layout/layout.ts'
import { MapTable } from './map-table.tsx'
import { MapNodeButton } from './node.tsx'
import { mt } from './state.ts'

/** Who calls whom: as a drawing, or as a table. */
export function MapView({ calls }: { readonly calls: Calls }) {
  const texts = mt.value
  const Notes = engine.value?.EngineMapNotes
  const health = parts.value?.health
  if (health === undefined) return null
  const graph = graphOf(health, calls.calls)
  if (graph.edges.length === 0)
    return (
      <>
        {Notes && <Notes calls={calls} />}
        {calls.problem === undefined && <p class="quiet">{texts.noCalls}</p>}
      </>
    )
  return (
    <>
      {Notes && <Notes calls={calls} />}
      {asTables.value ? <MapTable edges={graph.edges} /> : <Fitted graph={graph} />}
      {calls.more > 0 && <p class="quiet note">{texts.more(f.value.count(calls.more))}</p>}
      {!asTables.value && graph.alone.length > 0 && (
        <div class="map-alone">
          <h3>{texts.alone(f.value.count(graph.alone.length))}</h3>
          <ul>
            {graph.alone.map((service) => (
              <li key={service.name}>
                <MapNodeButton node={{ id: '', name: service.name, service }} />
              </li>
            ))}
          </ul>
        </div>
      )}
    </>
  )
}

/** Draws the graph in the width that there is. Figures change often, and must not move anything. */
function Fitted({ graph }: { readonly graph: Graph }) {
  const frame = useRef<HTMLDivElement>(null)
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const element = frame.current
    if (element === null) return
    const resize = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)))
    resize.observe(element)
    return () => resize.disconnect()
  }, [])
  const shape = graph.edges.map(({ from, to }) => `${from}\u0001${to}`).join('\u0000')
  const drawn = useMemo(
    () =>
      width === 0
        ? 'unmeasured'
        : layout(
            graph.nodes.map(({ id }) => id),
            graph.edges,
            width,
          ),
    [shape, width],
  )
  return (
    <div class="map" ref={frame}>
      {drawn === undefined && (
        <>
          <p class="quiet">{mt.value.tooLong}</p>
          <MapTable edges={graph.edges} />
        </>
      )}
      {typeof drawn === 'object' && <Drawing graph={graph} drawn={drawn} />}
    </div>
  )
}
