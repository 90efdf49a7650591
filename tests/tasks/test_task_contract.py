"""Every registered task keeps the contract."""

import pytest

from rnnbench import registry
from rnnbench.checks.contracts import ContractError, check_task, stand_in


@pytest.mark.parametrize("name", sorted(registry.tasks))
def test_contract(name):
    check_task(registry.tasks[name])


@pytest.mark.parametrize("name", sorted(registry.tasks))
def test_negative_lag_is_refused(name):
    with pytest.raises(ValueError, match="greater than or equal"):
        stand_in(registry.tasks[name], lag=-1)


def test_the_contract_finds_a_batch_that_is_no_function_of_the_step():
    class Careless(registry.tasks["copy_memory"]):
        def train_batch(self, seed, step, batch_size):
            return super().train_batch(seed, 0, batch_size)

    with pytest.raises(ContractError, match="two steps"):
        check_task(Careless)


def test_the_contract_finds_evidence_that_changes_with_the_lag():
    class Careless(registry.tasks["copy_memory"]):
        def train_batch(self, seed, step, batch_size):
            return super().train_batch(seed + self.lag, step, batch_size)

    with pytest.raises(ContractError, match="same at every lag"):
        check_task(Careless)


def test_the_contract_finds_a_loss_that_looks_at_the_lag():
    class Careless(registry.tasks["copy_memory"]):
        def loss(self, stream, outputs):
            return super().loss(stream, outputs) * self.lag

    with pytest.raises(AssertionError, match="must not look at the lag"):
        check_task(Careless)


def test_the_contract_finds_a_stream_that_is_not_fed_its_own_answers():
    class Careless(registry.tasks["reversal"]):
        def fed_back(self, answers):
            return super().fed_back(answers[:, ::-1])

    with pytest.raises(ContractError, match="read step 2 reads must be what fed_back makes"):
        check_task(Careless)


def test_the_contract_finds_a_first_answer_that_is_told():
    class Careless(registry.tasks["reversal"]):
        def _draw(self, rng, n):
            stream = super()._draw(rng, n)
            stream.features[:, self.layout.first_readout, 0] = stream.targets[:, 0]
            return stream

    with pytest.raises(ContractError, match="must be the marker alone"):
        check_task(Careless)
