/** Sample models and data with known ground truth, and the scripts that rebuild them. */
export { fashionMnistClasses, fashionMnistFolder, readFashionMnist } from "./fashion-mnist.js";
