export { default as style } from './map.css?inline'
export { MapView } from './map-view.tsx'
