"""Training: it learns, gives the same every time, goes on after an interruption, and says what is wrong."""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np
import pytest
import torch

from tests.networks.nets import Net
from tests.train.small import CLASSES, SLOT, bits, frames, network
from tomato.core.errors import TomatoError
from tomato.ops.window import Window
from tomato.train.data import Frames, Variation
from tomato.train.hooks import Calm
from tomato.train.loop import Hook, Loop, State, Training, fit, predicted
from tomato.train.losses import Objective, distance, is_scores
from tomato.train.module import Network
from tomato.train.pruning import Pruning

SHORT = Loop(epochs=4, batch=16, rate=0.01)
BUSY = replace(
    SHORT, average=0.9, best=True, variation=Variation((1, 1), flip=True, mixup=0.3, cutout=2), distil=0.5, features=0.1
)
"""With all that keeps something from step to step."""


def accuracy(made: Network, given: Frames) -> float:
    labels = given.classes()
    assert labels is not None
    return float((predicted(made, given)[0].argmax(1).numpy() == labels).mean())


def message(run: Callable[[], object]) -> str:
    with pytest.raises(TomatoError) as error:
        run()
    return str(error.value)


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
def test_it_learns_from_labels(optimiser: Literal["adamw", "sgd"]) -> None:
    made = network()
    before = accuracy(made, frames(seed=6))
    training = fit(made, frames(), replace(SHORT, epochs=12, optimiser=optimiser))
    assert training.losses[-1] < training.losses[0] / 2
    assert accuracy(made, frames(seed=6)) > max(0.85, before)
    assert not made.training


def test_it_learns_from_a_teacher_alone() -> None:
    teacher, made = network(), network(1)
    fit(teacher, frames(), replace(SHORT, epochs=12))
    fit(made, frames(labelled=False), replace(SHORT, epochs=20), teacher=teacher)
    other = frames(300, seed=6)
    same = predicted(made, other)[0].argmax(1) == predicted(teacher, other)[0].argmax(1)
    assert same.float().mean() > 0.85


class Noise(Hook):
    """Draws from torch's generator, as a dropout does."""

    def before_step(self, network: Network, share: float) -> None:
        with torch.no_grad():
            weight = network.layer("conv").weight
            weight.add_(0.01 * torch.randn(weight.shape))


def everything() -> tuple[Network, Frames, Frames, Network, list[Hook]]:
    """A training with hooks that keep something."""
    made = network()
    hooks: list[Hook] = [Pruning(made, {"conv": 0.5}, "movement"), Calm(made), Noise()]
    return made, frames(), frames(40, seed=9), network(1), hooks


def run_all(loop: Loop, resume: State | None = None, keep: Callable[[State], None] | None = None) -> Training:
    made, given, choice, teacher, hooks = everything()
    return fit(made, given, loop, choice=choice, teacher=teacher, hooks=hooks, resume=resume, keep=keep)


def test_the_same_seed_gives_the_same_bits() -> None:
    """Whatever was drawn before."""
    first = run_all(BUSY)
    torch.manual_seed(77)
    second, other = run_all(BUSY), run_all(replace(BUSY, seed=1))
    assert bits(first.network) == bits(second.network)
    assert first.losses == second.losses
    assert bits(first.network) != bits(other.network)


def test_training_leaves_the_generators_alone() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    fit(network(), frames(), SHORT)
    assert torch.equal(before, torch.get_rng_state())
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("behind", [1, 3])
def test_an_interrupted_training_goes_on_bit_for_bit(behind: int) -> None:
    """Through a file, as it would after the machine went down."""
    files: list[bytes] = []

    def keep(state: State) -> None:
        file = io.BytesIO()
        torch.save(state, file)
        files.append(file.getvalue())

    whole = run_all(BUSY, keep=keep)
    assert len(files) == BUSY.epochs
    state = torch.load(io.BytesIO(files[behind - 1]), weights_only=True)
    resumed = run_all(BUSY, resume=state)
    assert bits(resumed.network) == bits(whole.network)
    assert resumed.losses == whole.losses
    assert resumed.best == whole.best


def test_patience_is_kept_over_an_interruption() -> None:
    """One epoch without a better choice before it, two behind it."""
    loop, states = replace(SHORT, epochs=9, patience=3), list[State]()
    first = Training(network(), frames(), replace(loop, patience=0, best=True), choose=iter([0.5, *[0.4] * 9]).__next__)
    first.run(after_epoch=lambda: states.append(first.state()))
    second = Training(network(), frames(), loop, choose=lambda: 0.4)
    second.restore(states[1])
    second.run()
    assert (second.epoch, second.best) == (4, 0.5)


def test_a_state_is_a_copy() -> None:
    states: list[State] = []
    training = run_all(BUSY, keep=states.append)
    assert [state["epoch"] for state in states] == [1, 2, 3, 4]
    first = states[0]["network"]["layers.conv.weight"]
    assert not torch.equal(first, states[1]["network"]["layers.conv.weight"])
    before = first.clone()
    resumed = run_all(BUSY, resume=states[0])
    assert torch.equal(first, before), "going on from a state does not change it"
    assert bits(resumed.network) == bits(training.network)


def test_the_average_is_that_of_all_steps() -> None:
    """With its bias corrected: sum of keep^(n - i) * w_i over the sum of the factors."""
    seen: list[torch.Tensor] = []

    class Watch(Hook):
        def after_step(self, network: Network, share: float) -> None:
            seen.append(network.layer("dense").weight.detach().clone())

    made = network()
    fit(made, frames(), replace(SHORT, average=0.8), hooks=[Watch()])
    factors = 0.8 ** np.arange(len(seen))[::-1]
    want = sum(w * f for w, f in zip(seen, factors, strict=True)) / factors.sum()
    torch.testing.assert_close(made.layer("dense").weight.detach(), want, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(seen[-1], want, rtol=1e-3, atol=1e-3)


def test_a_step_that_two_values_share_is_averaged() -> None:
    """A parameter with two names is not overwritten by its last value under the second."""
    made = network()
    made.layer("dense").register_parameter("twin", made.layer("conv").bias)
    training = Training(made, frames(), replace(SHORT, average=0.99))
    training.run()
    assert torch.equal(made.layer("conv").bias.detach(), training.average["layers.conv.bias"])
    assert torch.equal(training.average["layers.conv.bias"], training.average["layers.dense.twin"])


def test_it_stops_early_and_keeps_the_best_epoch() -> None:
    answers, kept = iter([0.1, 0.5, 0.4, 0.5, 0.3, 0.9]), list[State]()
    training = Training(network(), frames(), replace(SHORT, epochs=6, patience=3), choose=lambda: next(answers))
    training.run(after_epoch=lambda: kept.append(training.state()))
    assert training.epoch == 5
    assert training.best == 0.5
    want = kept[1]["network"]
    assert all(torch.equal(value, want[name]) for name, value in training.network.state_dict().items())


def test_the_best_epoch_is_that_of_the_least_loss_on_frames_to_choose_by() -> None:
    made, choice = network(), frames(40, seed=9)
    losses: list[float] = []
    training = Training(made, frames(), replace(SHORT, rate=0.3, warm_up=0.0, best=True), choice=choice)

    def judge() -> None:
        labels = torch.from_numpy(choice.classes())
        losses.append(torch.nn.functional.cross_entropy(predicted(made, choice)[0], labels).item())

    training.run(after_epoch=judge)
    assert training.best == pytest.approx(-min(losses), rel=1e-5)
    judge()
    assert losses[-1] == pytest.approx(min(losses[:-1]), rel=1e-5)


def test_the_best_epoch_has_pruned_what_shall_be_pruned() -> None:
    made = network()
    answers = iter([9.0, 8.0, 2.0, 3.0])
    training = Training(
        made, frames(), replace(SHORT, best=True), hooks=[Pruning(made, {"conv": 0.5}, end=0.7)],
        choose=lambda: next(answers, 1.0),
    )  # fmt: skip
    training.run()
    mask = made.layer("conv").mask
    assert mask.mean().item() == pytest.approx(0.5, abs=0.02)
    assert training.best == 9.0, "the first two epochs were not asked about"


def test_hooks_are_called_with_the_share_that_is_done() -> None:
    calls: list[tuple[str, float]] = []

    class Watch(Hook):
        def before_epoch(self, network: Network, epoch: int, share: float) -> None:
            calls.append(("epoch", share))

        def before_step(self, network: Network, share: float) -> None:
            calls.append(("before", share))

        def after_backward(self, network: Network, share: float) -> None:
            assert network.layer("conv").weight.grad is not None
            calls.append(("backward", share))

        def after_step(self, network: Network, share: float) -> None:
            calls.append(("after", share))

    fit(network(), frames(32), replace(SHORT, epochs=2), hooks=[Watch()])
    step = [[(kind, i / 4) for kind in ("before", "backward", "after")] for i in range(4)]
    assert calls == [("epoch", 0.0), *step[0], *step[1], ("epoch", 0.5), *step[2], *step[3]]


def test_the_rate_warms_up_and_falls() -> None:
    rates: list[float] = []
    training = Training(network(), frames(), replace(SHORT, epochs=20, warm_up=0.1))

    class Watch(Hook):
        def after_step(self, network: Network, share: float) -> None:
            rates.append(training.optimiser.param_groups[0]["lr"])

    training.hooks = [Watch()]
    training.run()
    top = int(np.argmax(rates))
    assert top == 12
    assert np.all(np.diff(rates[: top + 1]) > 0)
    assert np.all(np.diff(rates[top:]) < 0)
    assert rates[-1] < 1e-3 * SHORT.rate < rates[top] < SHORT.rate


def test_gradients_of_any_norm() -> None:
    """0 is no limit, not a limit of 0."""
    made, start = network(), network()
    fit(made, frames(), replace(SHORT, epochs=1, clip=0.0))
    assert bits(made) != bits(start)


def test_mixed_frames_have_mixed_labels() -> None:
    made = network()
    objective = Objective(made)
    x, order = torch.randn(6, *SLOT.shape), torch.tensor([1, 0, 3, 2, 5, 4])
    labels = np.array([0, 1, 2, 0, 1, 2])
    scores = made(x)
    ours, theirs = (torch.nn.functional.cross_entropy(scores, torch.from_numpy(v)) for v in (labels, labels[order]))
    got = objective.loss((x,), labels, order, 0.7)
    torch.testing.assert_close(got, 0.7 * ours + 0.3 * theirs)


def test_the_loss_is_labels_teacher_and_features() -> None:
    made, teacher, labels = network(), network(1), np.array([0, 1, 2, 0])
    x, order = torch.randn(4, *SLOT.shape), torch.arange(4)
    hard = torch.nn.functional.cross_entropy(made(x), torch.from_numpy(labels))
    soft = torch.nn.functional.kl_div(
        torch.log_softmax(made(x) / 3, 1), torch.softmax(teacher(x) / 3, 1), reduction="batchmean"
    )
    got = Objective(made, teacher, distil=0.4, temperature=3.0).loss((x,), labels, order, 1.0)
    torch.testing.assert_close(got, 0.6 * hard + 0.4 * 9 * soft)
    whole = Objective(made, teacher, distil=0.4, temperature=3.0, features=0.5).loss((x,), labels, order, 1.0)
    assert whole > got
    itself = Objective(made, made, temperature=3.0, features=0.5).loss((x,), None, order, 1.0)
    assert itself.item() == pytest.approx(0.0, abs=1e-6)


def test_outputs_that_are_no_scores() -> None:
    y, answer = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0, 2.0], [3.0, 6.0]])
    assert distance(y, answer, None).item() == pytest.approx(1.0 / np.var([1, 2, 3, 6]))
    assert is_scores(network(), 0)
    net = Net(2, 2, 3)
    rebuilt = network(made=net.graph(net.conv("x", 3, _one())))
    assert not is_scores(rebuilt, 0)


def _one() -> Window:
    return Window((1, 1))


@pytest.mark.parametrize(
    ("break_it", "what", "place"),
    [
        (lambda made: made.layer("dense").weight.data.fill_(torch.nan), "loss", "/dense: its weight"),
        (lambda made: made.layer("conv").weight.data.fill_(3e38), "loss", "/conv: its result"),
    ],
)
def test_a_loss_that_is_no_number_names_where_it_begins(
    break_it: Callable[[Network], object], what: str, place: str
) -> None:
    made = network()

    class Breaks(Hook):
        def before_step(self, network: Network, share: float) -> None:
            if share >= 0.5 + 1 / 24:
                break_it(network)

    assert message(lambda: fit(made, frames(), SHORT, hooks=[Breaks()])) == (
        f"error: the {what} is no number in epoch 3, step 2: first in {place}\n"
        "  hint: lower the rate of learning, or check the frames and their labels"
    )


def test_a_gradient_that_is_no_number() -> None:
    class Breaks(Hook):
        def after_backward(self, network: Network, share: float) -> None:
            gradient = network.layer("conv").weight.grad
            assert gradient is not None
            gradient.fill_(torch.inf)

    text = message(lambda: fit(network(), frames(), SHORT, hooks=[Breaks()]))
    place = "/conv: the gradient of its weight"
    assert text.startswith(f"error: the gradient is no number in epoch 1, step 1: first in {place}\n")


def test_nothing_to_learn_from() -> None:
    assert message(lambda: fit(network(), frames(labelled=False), SHORT)).startswith(
        "error: there is nothing to learn from: the frames have no labels, and there is no teacher\n"
    )
    assert message(lambda: fit(network(), frames(), replace(SHORT, features=1.0))) == (
        "error: what layers compute is compared with a teacher, but there is none"
    )


def test_nothing_to_choose_by() -> None:
    text = "error: the best epoch is asked for, but there are no frames to choose it by"
    assert message(lambda: fit(network(), frames(), replace(SHORT, patience=2))) == text
    assert message(lambda: fit(network(), frames(), replace(SHORT, best=True))) == text


def test_labels_that_are_no_classes() -> None:
    x, labels = frames().stored[0], frames().classes()
    assert labels is not None
    labels[[7, 9]] = CLASSES
    given = Frames.of([SLOT], [x], labels)
    text = f"error: label 3 of frame 7 is out of range: the network has {CLASSES} classes, from 0"
    assert message(lambda: fit(network(), given, SHORT)) == text
    assert message(lambda: fit(network(), frames(), replace(SHORT, best=True), choice=given)) == text
    net = Net(6, 4, 2)
    picture = network(made=net.graph(net.conv("x", 2, _one())))
    assert message(lambda: fit(picture, frames(), SHORT)) == (
        "error: the frames have labels, but output y0 of shape (2, 6, 4) is no vector of scores"
    )
    training = fit(picture, frames(), replace(SHORT, epochs=1), teacher=picture)
    assert len(training.losses) == 1, "labels that do not count may be anything"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"epochs": -1}, "epochs must be a number 0 or more, not -1"),
        ({"batch": 1.5}, "batch must be a whole number, not 1.5"),
        ({"rate": 0.0}, "rate must be a number above 0, not 0.0"),
        ({"optimiser": "adam"}, "optimiser must be adamw or sgd, not 'adam'"),
        ({"distil": 1.5}, "distil must be a number from 0 to 1, not 1.5"),
        ({"average": 1.0}, "average must be a number from 0 to 0.99999, not 1.0"),
        ({"seed": -1}, "seed must be a number 0 or more, not -1"),
    ],
)
def test_plans_that_are_none(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(TomatoError) as error:
        replace(SHORT, **wrong)  # type: ignore[arg-type]
    assert error.value.what == says


def test_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert message(lambda: fit(network(), frames(), SHORT, device="cuda")).startswith(
        "error: there is no device cuda that PyTorch can use\n"
    )
    made = network()
    fit(made, frames(), replace(SHORT, epochs=1), device="auto")
    assert made.layer("conv").weight.device.type == "cpu"


def test_progress_is_told() -> None:
    told: list[tuple[str, int, int]] = []
    fit(network(), frames(32), SHORT, progress=lambda *said: told.append(said))
    assert told == [("Training", i, 4) for i in range(5)]
