/** Where ONNX's own operator tests do not apply, and why. Every row that stops being true fails its test. */
import type { ErrorCode } from "../../../../lib/errors.js";

/** Models that cannot be loaded. */
export const refusedModels: Readonly<Record<string, ErrorCode>> = {
  test_adagrad: "UNKNOWN_OPERATOR",
  test_adagrad_multiple: "UNKNOWN_OPERATOR",
  test_adam: "UNKNOWN_OPERATOR",
  test_adam_multiple: "UNKNOWN_OPERATOR",
  test_momentum: "UNKNOWN_OPERATOR",
  test_momentum_multiple: "UNKNOWN_OPERATOR",
  test_nesterov_momentum: "UNKNOWN_OPERATOR",
  // onnxruntime has no kernel for layout 1.
  test_gru_batchwise: "INVALID_MODEL",
  test_lstm_batchwise: "INVALID_MODEL",
  test_simple_rnn_batchwise: "INVALID_MODEL",
};

const random = "draws random numbers";
const window = "the expected values use a rounded pi";
const resize = "onnxruntime rounds the output's size at another place";

/** Models whose outputs differ from the standard's values. */
export const differentOutputs: Readonly<Record<string, string>> = {
  test_bernoulli: random,
  test_bernoulli_double: random,
  test_bernoulli_double_expanded: random,
  test_bernoulli_expanded: random,
  test_bernoulli_seed: random,
  test_bernoulli_seed_expanded: random,
  test_training_dropout: random,
  test_training_dropout_default: random,
  test_training_dropout_default_mask: random,
  test_training_dropout_mask: random,
  test_blackmanwindow: window,
  test_blackmanwindow_expanded: window,
  test_blackmanwindow_symmetric: window,
  test_blackmanwindow_symmetric_expanded: window,
  test_hammingwindow: window,
  test_hammingwindow_expanded: window,
  test_hammingwindow_symmetric: window,
  test_hammingwindow_symmetric_expanded: window,
  test_hannwindow: window,
  test_hannwindow_expanded: window,
  test_hannwindow_symmetric: window,
  test_hannwindow_symmetric_expanded: window,
  test_maxunpool_export_with_output_shape: "onnxruntime reads the indices in the given output shape",
  test_resize_downsample_scales_cubic_align_corners: resize,
  test_resize_downsample_scales_linear_align_corners: resize,
  test_roialign_aligned_false: "the expected values have four decimals",
  test_roialign_aligned_true: "the expected values have four decimals",
};

const atKink = "an input lies exactly where the function has a kink or a jump";

/** Models whose derivative cannot be measured at the given inputs. */
export const kinks: Readonly<Record<string, string>> = {
  test_acosh_example: "an input lies at the end of the domain",
  test_pow: "a base is zero",
  test_bernoulli_expanded: random,
  test_bernoulli_seed_expanded: random,
  test_training_dropout: random,
  test_training_dropout_default: random,
  test_training_dropout_default_mask: random,
  test_training_dropout_mask: random,
  test_floor_example: atKink,
  test_round: atKink,
  test_sign: atKink,
  test_leakyrelu_example: atKink,
  test_thresholdedrelu_example: atKink,
  test_gridsample_aligncorners_true: atKink,
  test_gridsample_bilinear: atKink,
  test_gridsample_nearest: atKink,
};

/** By group of tests: float inputs that are settings, and outputs through which no gradient is asked. */
export const parameters: Readonly<
  Record<string, { readonly inputs: readonly string[]; readonly outputs: readonly string[] }>
> = {
  batchnorm: { inputs: ["mean", "var"], outputs: ["output_mean", "output_var"] },
  dropout: { inputs: ["r"], outputs: [] },
  training: { inputs: ["r", "t"], outputs: [] },
  layer: { inputs: [], outputs: ["Mean", "InvStdDev"] },
  resize: { inputs: ["scales", "roi"], outputs: [] },
  upsample: { inputs: ["scales"], outputs: [] },
};

/** Models whose gradient is refused. */
export const refusedGradients: ReadonlySet<string> = new Set([
  "test_bernoulli_seed",
  "test_det_2d",
  "test_det_nd",
  "test_dft",
  "test_dft_axis",
  "test_dft_inverse",
  "test_dynamicquantizelinear",
  "test_dynamicquantizelinear_max_adjusted",
  "test_dynamicquantizelinear_min_adjusted",
  "test_gridsample_bicubic",
  "test_hardmax_axis_0",
  "test_hardmax_axis_1",
  "test_hardmax_axis_2",
  "test_hardmax_default_axis",
  "test_hardmax_example",
  "test_hardmax_negative_axis",
  "test_hardmax_one_hot",
  "test_maxpool_with_argmax_2d_precomputed_strides",
  "test_melweightmatrix",
  "test_onehot_negative_indices",
  "test_onehot_with_axis",
  "test_onehot_with_negative_axis",
  "test_range_float_type_positive_delta",
  "test_resize_tf_crop_and_resize",
  "test_roialign_aligned_false",
  "test_roialign_aligned_true",
  "test_scan_sum",
  "test_scatternd_multiply",
  "test_stft",
  "test_stft_with_window",
  "test_unique_not_sorted_without_axis",
  "test_unique_sorted_with_axis",
  "test_unique_sorted_with_axis_3d",
  "test_unique_sorted_with_negative_axis",
  "test_unique_sorted_without_axis",
]);
