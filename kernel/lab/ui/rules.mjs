// How each kind of file becomes part of the bundle; JupyterLab's packages rely on these readings.

/** Module rules of the bundler. */
export const rules = [
  {
    test: /\.tsx?$/,
    loader: "builtin:swc-loader",
    options: {
      jsc: {
        parser: { syntax: "typescript", tsx: true },
        target: "es2022",
        transform: { react: { runtime: "automatic" } },
      },
    },
    type: "javascript/auto",
  },
  { test: /\.m?js$/, resolve: { fullySpecified: false }, type: "javascript/auto" },
  { test: /\.raw\.css$/, type: "asset/source" },
  { test: /(?<!\.raw)\.css$/, type: "css/auto" },
  { test: /\.(?:md|txt)$/, type: "asset/source" },
  // An icon is text where a script draws it, and an address where a style sheet names it.
  { test: /\.svg$/, issuer: /\.[jt]sx?$/, type: "asset/source" },
  { test: /\.svg$/, issuer: /\.css$/, exclude: /fontawesome/, type: "asset" },
  { test: /\.(?:png|jpe?g|gif|woff2?)$/, exclude: /fontawesome.*\.woff$/, type: "asset/resource" },
  // Every browser that runs the lab reads woff2: the other four forms would be 2.5 MB for nobody.
  {
    test: /fontawesome.*\.(?:svg|ttf|eot|woff)$/,
    type: "asset/resource",
    generator: { emit: false },
  },
  { test: /(?<!fontawesome.*)\.(?:ttf|otf|eot)$/, type: "asset/resource" },
];
