// Pictures of things that CIFAR-10 has, as SVG of 96 × 96 pixels: example images for models that are trained on it. Drawn for
// this project; they come from no data set. Neighbours: digit-strokes.ts, write-examples.ts.
import sharp from 'sharp';

const SIDE = 96;

/** By their class. */
const scenes = {
  airplane: `<defs><linearGradient id="s" x2="0" y2="1"><stop offset="0" stop-color="#5b97d6"/>
    <stop offset="1" stop-color="#c9dff2"/>
    </linearGradient></defs>
    <rect width="96" height="96" fill="url(#s)"/>
    <path d="M6 52 Q8 46 20 46 L78 44 Q90 44 92 49 Q90 54 78 54 L20 56 Q8 57 6 52 Z" fill="#f2f4f6" stroke="#8a93a0"/>
    <path d="M42 50 L64 74 L56 76 L30 53 Z" fill="#c5ccd4" stroke="#7d8794"/>
    <path d="M46 46 L62 32 L56 31 L36 46 Z" fill="#d6dce2" stroke="#7d8794"/>
    <path d="M8 48 L2 30 L10 30 L20 47 Z" fill="#2f6db3"/>
    <path d="M8 53 L0 60 L8 60 L18 54 Z" fill="#aab4bf"/>`,
  automobile: `<defs><linearGradient id="s" x2="0" y2="1"><stop offset="0" stop-color="#cfd9e0"/>
    <stop offset="1" stop-color="#e9ecec"/>
    </linearGradient></defs>
    <rect width="96" height="96" fill="url(#s)"/>
    <rect y="62" width="96" height="34" fill="#7c7d7e"/>
    <path d="M6 66 Q5 52 16 50 L28 48 Q36 34 44 33 L64 33 Q74 35 80 49 Q92 51 92 60 L92 66 Q92 70 86 70 L12 70 Q6 70 6 66 Z" fill="#c0222a"/>
    <path d="M33 48 Q39 38 45 37 L53 37 L53 48 Z M56 37 L63 37 Q70 39 74 48 L56 48 Z" fill="#263440"/>
    <circle cx="25" cy="69" r="9.5" fill="#17181a"/>
    <circle cx="25" cy="69" r="4.5" fill="#b9bcc0"/>
    <circle cx="74" cy="69" r="9.5" fill="#17181a"/>
    <circle cx="74" cy="69" r="4.5" fill="#b9bcc0"/>
    <rect x="88" y="54" width="4" height="4" fill="#ffe9a0"/>`,
  bird: `<rect width="96" height="96" fill="#b9d3e6"/>
    <path d="M0 74 H96 V80 H0 Z" fill="#6a4a2c"/>
    <path d="M20 60 Q24 34 46 32 Q52 20 64 22 Q74 24 74 32 L86 36 L74 38 Q72 64 46 68 Q34 70 26 66 L6 74 L4 70 Z" fill="#7a5a3c"/>
    <path d="M46 40 Q60 44 62 54 Q52 64 40 62 Z" fill="#d8b68c"/>
    <circle cx="66" cy="29" r="2.4" fill="#111"/>
    <path d="M44 68 V76 M52 67 V76" stroke="#333" stroke-width="2"/>`,
  horse: `<rect width="96" height="96" fill="#a9c48a"/>
    <rect width="96" height="40" fill="#bcd6ea"/>
    <path d="M20 44 Q40 38 62 42 L72 22 Q76 14 84 18 L92 28 L88 34 L80 32 L74 52 Q72 58 70 60 L70 86 H65 L62 62 Q48 66 36 62 L34 86 H28 L26 62 Q18 58 20 44 Z" fill="#6b4226"/>
    <path d="M20 44 Q8 50 12 70 L16 68 Q14 54 22 50 Z" fill="#2e1b0e"/>
    <path d="M62 42 L70 22 L76 16 L72 34 Z" fill="#2e1b0e"/>`,
  ship: `<defs><linearGradient id="s" x2="0" y2="1"><stop offset="0" stop-color="#7fb2e0"/>
    <stop offset="1" stop-color="#dfeaf2"/>
    </linearGradient><linearGradient id="w" x2="0" y2="1"><stop offset="0" stop-color="#3d6f96"/>
    <stop offset="1" stop-color="#1f466b"/>
    </linearGradient></defs>
    <rect width="96" height="96" fill="url(#s)"/>
    <rect y="58" width="96" height="38" fill="url(#w)"/>
    <path d="M8 50 H88 L80 68 H18 Z" fill="#30343c"/>
    <path d="M17 66 H81 L80 69 H18 Z" fill="#9c3030"/>
    <rect x="26" y="38" width="40" height="12" fill="#f4f4ee"/>
    <rect x="34" y="28" width="24" height="10" fill="#e6e6de"/>
    <rect x="44" y="14" width="8" height="14" fill="#b23a2e"/>
    <rect x="70" y="26" width="2" height="24" fill="#444"/>
    <path d="M0 72 Q12 69 24 72 T48 72 T72 72 T96 72" stroke="#9cc3da" fill="none" stroke-width="1.5"/>`,
  truck: `<rect width="96" height="96" fill="#cfdbe4"/>
    <rect y="66" width="96" height="30" fill="#8b8a86"/>
    <rect x="4" y="22" width="58" height="44" fill="#f3f3ef" stroke="#9a9a96"/>
    <path d="M64 34 H80 Q84 34 86 40 L91 52 V68 H64 Z" fill="#2d5fa8"/>
    <path d="M70 38 H79 L84 50 H70 Z" fill="#1e2a36"/>
    <rect x="4" y="66" width="88" height="4" fill="#2b2b2d"/>
    <circle cx="18" cy="71" r="8" fill="#17181a"/>
    <circle cx="36" cy="71" r="8" fill="#17181a"/>
    <circle cx="78" cy="71" r="8" fill="#17181a"/>
    <circle cx="18" cy="71" r="3.5" fill="#bbb"/>
    <circle cx="36" cy="71" r="3.5" fill="#bbb"/>
    <circle cx="78" cy="71" r="3.5" fill="#bbb"/>`,
  frog: `<rect width="96" height="96" fill="#8a7a58"/>
    <ellipse cx="48" cy="80" rx="46" ry="14" fill="#6d5f43"/>
    <ellipse cx="48" cy="56" rx="30" ry="22" fill="#5d8a35"/>
    <ellipse cx="48" cy="62" rx="20" ry="13" fill="#a9bd72"/>
    <path d="M18 62 Q2 72 12 80 L34 78 Z M78 62 Q94 72 84 80 L62 78 Z" fill="#4c742b"/>
    <circle cx="34" cy="34" r="9" fill="#6d9a3e"/>
    <circle cx="62" cy="34" r="9" fill="#6d9a3e"/>
    <circle cx="34" cy="33" r="4.5" fill="#191a10"/>
    <circle cx="62" cy="33" r="4.5" fill="#191a10"/>
    <path d="M28 50 Q48 60 68 50" stroke="#33501c" fill="none" stroke-width="2"/>`,
} as const;

/** PNG images by their class. Draws SVG, as draw-digits.ts does, so call it before a decoder is created. */
export async function drawScenes(): Promise<ReadonlyMap<keyof typeof scenes, Buffer>> {
  const drawn = new Map<keyof typeof scenes, Buffer>();
  for (const [name, scene] of Object.entries(scenes) as [keyof typeof scenes, string][]) {
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}">${scene}</svg>`;
    drawn.set(name, await sharp(Buffer.from(svg)).removeAlpha().png().toBuffer());
  }
  return drawn;
}
