/** What part of the house is seen, and how large. */

export interface Camera {
  /** The point of the house in the middle of the view. */
  x: number;
  y: number;
  /** Pixels a unit. */
  scale: number;
}

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export interface Size {
  width: number;
  height: number;
}

const MARGIN = 18;
/** A house that is small is not blown up beyond this. */
const LARGEST_FIT = 17;
/** Pixels a seat at the closest. */
export const CLOSEST = 44;
/** From here on seats can be told apart and chosen with a finger. */
export const TOUCHABLE = 22;

/** The whole box in view. */
export function fit(box: Box, size: Size): Camera {
  const wide = (size.width - 2 * MARGIN) / (box.right - box.left);
  const high = (size.height - 2 * MARGIN) / (box.bottom - box.top);
  const scale = Math.max(0.01, Math.min(wide, high, LARGEST_FIT));
  return { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2, scale };
}

export function toHouse(camera: Camera, size: Size, x: number, y: number): [number, number] {
  return [camera.x + (x - size.width / 2) / camera.scale, camera.y + (y - size.height / 2) / camera.scale];
}

export function toView(camera: Camera, size: Size, x: number, y: number): [number, number] {
  return [(x - camera.x) * camera.scale + size.width / 2, (y - camera.y) * camera.scale + size.height / 2];
}

export function panned(camera: Camera, dx: number, dy: number): Camera {
  return { ...camera, x: camera.x - dx / camera.scale, y: camera.y - dy / camera.scale };
}

/** Larger or smaller; what is under (x, y) stays there. */
export function zoomed(camera: Camera, size: Size, factor: number, x: number, y: number, least: number): Camera {
  const scale = Math.min(CLOSEST, Math.max(least, camera.scale * factor));
  const [houseX, houseY] = toHouse(camera, size, x, y);
  return { x: houseX - (x - size.width / 2) / scale, y: houseY - (y - size.height / 2) / scale, scale };
}

/** Not beyond the edge: the middle of the view stays in the house. */
export function kept(camera: Camera, box: Box): Camera {
  const x = Math.min(box.right, Math.max(box.left, camera.x));
  const y = Math.min(box.bottom, Math.max(box.top, camera.y));
  return x === camera.x && y === camera.y ? camera : { ...camera, x, y };
}

/** Near enough that the point can be touched, with the point in view. */
export function shows(camera: Camera, size: Size, x: number, y: number): boolean {
  const [viewX, viewY] = toView(camera, size, x, y);
  const edge = Math.min(60, size.width / 4, size.height / 4);
  return viewX > edge && viewY > edge && viewX < size.width - edge && viewY < size.height - edge;
}
