/** Rebuilds the images that the notebooks use: a small balanced part of Fashion-MNIST's test set, with its licence. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { takePerClass } from "../data/labelled.js";
import { writeNpz } from "../tensor/index.js";
import { readFashionMnist } from "./fashion-mnist.js";

const PER_CLASS = 200;

const LICENCE = `fashion-mnist.npz holds the first ${PER_CLASS} test images of each class of Fashion-MNIST, scaled to [0, 1], with
their labels. No model in notebooks/models was trained on them. Rebuild it with "npm run zoo -- data".
Source: https://github.com/zalandoresearch/fashion-mnist (H. Xiao, K. Rasul, R. Vollgraf, 2017, arXiv:1708.07747)

The MIT License (MIT) Copyright © 2017 Zalando SE, https://tech.zalando.com

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`;

/**
 * Writes `fashion-mnist.npz` (2,000 labelled images, 1.3 MB) and its licence into `folder`.
 *
 * @throws AssayError FILE_NOT_FOUND if Debian's dataset-fashion-mnist is not installed.
 */
export async function writeFashionSubset(folder: string): Promise<void> {
  const { inputs, labels } = takePerClass(readFashionMnist("test"), PER_CLASS);
  await mkdir(folder, { recursive: true });
  await writeNpz(join(folder, "fashion-mnist.npz"), { inputs, labels });
  await writeFile(join(folder, "fashion-mnist.LICENSE"), LICENCE);
}
