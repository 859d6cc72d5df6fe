"use strict";
/* The pairs in their space, on the two axes in which they differ most, and the push on each. */

function show_space({ image, text, dimage, dtext }) {
  const B = state.pairs.length,
    E = width(image),
    W = room("space", 900),
    H = 420;
  const all = tensor([2 * B, E], new Float32Array([...image.data, ...text.data])),
    project = principal(all);
  const points = Array.from({ length: 2 * B }, (_, n) => project(all.data, n * E));
  const pushes = [dimage, dtext].flatMap((d, side) =>
    Array.from({ length: B }, (_, n) => {
      const [y, from] = [side ? text : image, n * E],
        along = dot(d.data, from, y.data, from, E);
      return project(
        d.data.map((value, i) => -(value - along * y.data[i])),
        from,
        false,
      ); // along the sphere
    }),
  );
  const reach = Math.max(...points.flat().map(Math.abs)) * 1.15,
    size = Math.min(W / 2 - 60, H / 2 - 20) / reach;
  const longest = Math.max(1e-9, ...pushes.map(([x, y]) => Math.hypot(x, y)));
  const across = Math.min(1.6 * size, (W / 2 - 30) / reach);
  const at = ([x, y]) => [W / 2 + x * across, H / 2 - y * size];
  const figure = drawing(
    W,
    H,
    "the embeddings of the pictures and the sentences on two axes, partners joined, each with its push",
  );
  figure.append(
    svg(
      "defs",
      {},
      svg(
        "marker",
        { id: "head", viewBox: "0 0 8 8", refX: 6, refY: 4, markerWidth: 5, markerHeight: 5, orient: "auto" },
        svg("path", { d: "M0 0L8 4L0 8Z", fill: theme("--muted") }),
      ),
    ),
  );
  const arrow = (n) => {
    const [x, y] = at(points[n]),
      [u, v] = pushes[n],
      length = 60 / longest;
    if (Math.hypot(u, v) < 0.02 * longest) return undefined;
    return svg("line", {
      x1: x,
      y1: y,
      x2: x + u * length,
      y2: y - v * length,
      stroke: theme("--muted"),
      "stroke-width": 2,
      "marker-end": "url(#head)",
    });
  };
  const labels = [];
  for (let i = 0; i < B; i++) {
    const [x, y] = at(points[i]),
      [u, v] = at(points[B + i]);
    figure.append(
      svg("line", { x1: x, y1: y, x2: u, y2: v, stroke: theme("--line"), "stroke-width": 2 }),
      ...[arrow(i), arrow(B + i)].filter(Boolean),
      svg(
        "image",
        {
          href: address(state.pairs[i].picture),
          x: x - 14,
          y: y - 14,
          width: 28,
          height: 28,
          style: "image-rendering: pixelated",
        },
        svg("title", {}, `picture ${i + 1}`),
      ),
      svg(
        "rect",
        { x: u - 6, y: v - 6, width: 12, height: 12, transform: `rotate(45 ${u} ${v})`, fill: theme("--text") },
        svg("title", {}, state.pairs[i].text),
      ),
    );
    labels.push(
      { x: x + 17, y: y + 4, text: String(i + 1), size: 12, role: "--image" },
      { x: u + 11, y: v + 4, text: String(i + 1), size: 12, role: "--text" },
    );
  }
  figure.append(
    ...spread(labels).map(({ x, y, text, size, role }) =>
      svg("text", { x, y, "font-size": size, "font-weight": 700, class: "halo", style: `fill: var(${role})` }, text),
    ),
  );
  show("space", figure, "clip-space");
}
