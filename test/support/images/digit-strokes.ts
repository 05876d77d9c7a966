// The shapes of the example digits, made up for this project: no image of any data set was used.
// draw-digits.ts draws them.

export interface DigitShape {
  /** Per stroke the points that the pen passes through, `x,y x,y …` in a box of 20 × 20. */
  readonly strokes: readonly string[];
  /** In the same units as the points. */
  readonly penWidth: number;
  /** How far the top leans to the right, as a share of the height. */
  readonly slant: number;
  /** How far, at most, the hand misses each point. */
  readonly tremble: number;
  /** The largest grey level that dirt on the paper adds to or takes from a pixel. */
  readonly dirt: number;
}

const neat = { penWidth: 2.3, slant: 0.08, tremble: 0.35, dirt: 0 };

/** By the name of the example file, without its ending. */
export const digitShapes = {
  'digit-0': {
    ...neat,
    strokes: ['11,0.6 6,3.8 3.8,10.5 5.8,17 10,19.4 14.6,16 16.4,9 14.6,2.8 10.6,0.6'],
  },
  'digit-1': {
    ...neat,
    penWidth: 2.6,
    strokes: ['10.6,0.5 10.2,10 9.6,19.5'],
  },
  'digit-2': {
    ...neat,
    strokes: ['4,5 6.6,1.6 11,0.8 14.2,4 12.6,9 8.2,14.4 3.8,18.6', '3.8,18.6 9.5,18 16.6,18.4'],
  },
  'digit-3': {
    ...neat,
    strokes: ['4.6,2.6 9.4,0.8 13.8,3.4 12.2,7.6 8,9.4', '8,9.4 13.4,10.8 14.8,15 10.8,18.9 4.4,17.8'],
  },
  'digit-4': {
    ...neat,
    strokes: ['5.6,0.8 4.6,6 4.2,10.4 9.4,10.8 16.4,10', '14,1 13.4,10 12.8,19.4'],
  },
  'digit-5': {
    ...neat,
    strokes: ['15.6,0.9 6.2,1.2', '6.2,1.2 5.4,8.4', '5.4,8.4 10,7.4 14.4,10.6 13.6,16.4 9,19.2 3.6,17.2'],
  },
  'digit-6': {
    ...neat,
    strokes: ['12.4,0.6 7.4,6 4.8,13 6.6,18.2 11,19.2 14.4,15.6 12.4,11.2 8.4,11.4 5.2,14.8'],
  },
  'digit-7': {
    ...neat,
    strokes: ['3.6,2 9,1.6 15.8,1.4', '15.8,1.4 12.2,9 9,19.5'],
  },
  'digit-8': {
    ...neat,
    strokes: ['13.8,3.2 10,0.7 6.2,3.4 8.6,8 13,12.2 13.4,16.8 9.6,19.3 5.8,16.6 7.4,12 12,7.6 13.9,3.4'],
  },
  'digit-9': {
    ...neat,
    strokes: ['14,4.4 10.6,0.9 6,3.2 5.6,7.8 9.2,9.8 13.2,7.4 14.2,4', '14.2,4 13.4,11.8 11.6,19.4'],
  },
  /** Nearly closed at the top, as a 9 is. */
  'hard-4': {
    ...neat,
    tremble: 0.2,
    strokes: ['9.5,1.4 6.2,5 5,10.4 9.6,11 16,10', '13.8,1.4 13.6,9 12.4,19.4'],
  },
  /** Crossed, curled and on dirty paper. */
  'hard-7': {
    penWidth: 1.7,
    slant: 0.2,
    tremble: 0.7,
    dirt: 130,
    strokes: ['4,4.6 5,1.8 9.6,3 14.6,1.6', '14.6,1.6 11.6,9 9.4,14 11,17', '4.6,11.4 16.6,9.4'],
  },
} as const satisfies Record<string, DigitShape>;

export type DigitName = keyof typeof digitShapes;
