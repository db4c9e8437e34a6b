"""The engine benchmark's jobs in NumPy and scikit-learn, written as their users write them."""
import warnings

import numpy
import sklearn
from scipy import linalg
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_score

warnings.simplefilter("ignore")
VERSIONS = {"numpy": numpy.__version__, "sklearn": sklearn.__version__}


def gemm(size, dtype):
    random = numpy.random.default_rng(1)
    a, b = (random.standard_normal((size, size)).astype(dtype) for _ in range(2))

    def run():
        a @ b

    return run


def fitted(x):
    mean = x.mean(0)
    centred = x - mean
    covariance = centred.T @ centred / len(x)
    factor = linalg.cholesky(covariance, lower=True)
    return mean, covariance, linalg.solve_triangular(factor, numpy.eye(len(factor), dtype=factor.dtype), lower=True)


def covariance(path, dtype):
    """Mean, covariance, Cholesky factor and its inverse of float32 activations, in `dtype`."""
    x = numpy.load(path)

    def run():
        fitted(x.astype(dtype, copy=False))

    return run


def mahalanobis(path, dtype):
    """Squared distances of float32 activations from a Gaussian that is already fitted, in `dtype`."""
    x = numpy.load(path)
    mean, _, inverse = fitted(x.astype(dtype))

    def run():
        whitened = (x - mean.astype(dtype)) @ inverse.T
        numpy.einsum("ij,ij->i", whitened, whitened)

    return run


def probe(features, labels):
    """A logistic probe by scikit-learn's default solver."""
    x, y = numpy.load(features), numpy.load(labels)

    def run():
        model = LogisticRegression(C=1.0, max_iter=1000).fit(x, y)
        return {"weights": model.coef_[0].tolist(), "intercept": float(model.intercept_[0])}

    return run


def few_shot(train, train_labels, held_out, held_out_labels, draws):
    """AUROC by number of labelled examples, beside shuffled labels and a random direction."""
    x, y, test, truth = (numpy.load(path) for path in (train, train_labels, held_out, held_out_labels))
    members = [numpy.flatnonzero(y == label) for label in (0, 1)]

    def run():
        random = numpy.random.default_rng(1)
        for shots in (1, 2, 4, 8, 16, 32, 64, 128):
            for _ in range(draws):
                chosen = numpy.concatenate([random.choice(group, shots, replace=False) for group in members])
                for labels in (y[chosen], random.permutation(y[chosen])):
                    model = LogisticRegression(C=1.0, max_iter=1000).fit(x[chosen], labels)
                    roc_auc_score(truth, model.decision_function(test))
                roc_auc_score(truth, test @ random.standard_normal(test.shape[1]))

    return run


def layer_sweep(layers, labels):
    """Three penalties at every layer by five folds on the first half, the best one judged on the second."""
    y = numpy.load(labels)
    half = len(y) // 2
    activations = [numpy.load(path) for path in layers]

    def run():
        best = (0, None, None)
        for x in activations:
            for penalty in (0.1, 1, 10):
                folds = StratifiedKFold(5, shuffle=True, random_state=1)
                model = LogisticRegression(C=1 / penalty, max_iter=1000)
                area = cross_val_score(model, x[:half], y[:half], cv=folds, scoring="roc_auc").mean()
                if area > best[0]:
                    best = (area, x, penalty)
        _, x, penalty = best
        model = LogisticRegression(C=1 / penalty, max_iter=1000).fit(x[:half], y[:half])
        roc_auc_score(y[half:], model.decision_function(x[half:]))

    return run


def newton(features, labels):
    """The exact optimum: Newton's method in float64 until the step is at rounding."""
    x, y = numpy.load(features).astype(numpy.float64), numpy.load(labels).astype(numpy.float64)
    x = numpy.hstack([x, numpy.ones((len(x), 1))])
    penalty = numpy.ones(x.shape[1])
    penalty[-1] = 0

    def run():
        w = numpy.zeros(x.shape[1])
        for _ in range(60):
            p = 1 / (1 + numpy.exp(-(x @ w)))
            gradient = x.T @ (p - y) + penalty * w
            hessian = x.T @ (x * (p * (1 - p))[:, None]) + numpy.diag(penalty)
            step = linalg.solve(hessian, gradient, assume_a="pos")
            w = w - step
            if abs(step).max() < 1e-14 * max(1, abs(w).max()):
                break
        return {"weights": w[:-1].tolist(), "intercept": float(w[-1])}

    return run


def eigen_top(path):
    """The ten largest eigenvalues with their vectors."""
    a = numpy.load(path)
    d = len(a)

    def run():
        linalg.eigh(a, subset_by_index=[d - 10, d - 1])

    return run


def eigen(path):
    a = numpy.load(path)

    def run():
        linalg.eigh(a)

    return run


def svd(path):
    a = numpy.load(path)

    def run():
        linalg.svd(a, full_matrices=False)

    return run


def triangular(path):
    """A lower triangular system with as many right-hand sides as rows."""
    a = numpy.load(path)

    def run():
        linalg.solve_triangular(a, a, lower=True)

    return run


JOBS = {
    "eigen_top": eigen_top,
    "eigen": eigen,
    "svd": svd,
    "triangular": triangular,
    "gemm": gemm,
    "covariance": covariance,
    "mahalanobis": mahalanobis,
    "probe": probe,
    "newton": newton, "few_shot": few_shot, "layer_sweep": layer_sweep,
}
